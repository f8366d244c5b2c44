"""Which adapter speaks to which kind."""

from typing import TYPE_CHECKING

from fairlead.detectors.remote import DEEP, KindName, Remote
from fairlead.integrations.remote.asks import Adapter
from fairlead.integrations.remote.guard_models import GRANITE_GUARDIAN, LLAMA_GUARD, SHIELD_GEMMA, WILD_GUARD
from fairlead.integrations.remote.services import AZURE_CONTENT_SAFETY, AZURE_PROMPT_SHIELDS, OPENAI_MODERATION, PERSPECTIVE

if TYPE_CHECKING:
    from fairlead.integrations.remote.runner import LocalModel

ADAPTERS: dict[KindName, Adapter] = {
    "llama-guard-3": LLAMA_GUARD,
    "llama-guard-4": LLAMA_GUARD,
    "granite-guardian": GRANITE_GUARDIAN,
    "shieldgemma": SHIELD_GEMMA,
    "wildguard": WILD_GUARD,
    "openai-moderation": OPENAI_MODERATION,
    "azure-content-safety": AZURE_CONTENT_SAFETY,
    "azure-prompt-shields": AZURE_PROMPT_SHIELDS,
    "perspective": PERSPECTIVE,
}


def load_model(remote: Remote) -> "LocalModel":
    """Load the model of a detector that runs in the process.

    Raises:
        DetectorNotLoaded: Its library or its files are not here.
    """
    if remote.kind == DEEP:
        from fairlead.integrations.deep import DeepModel  # noqa: PLC0415 - heavy

        return DeepModel.load(remote)
    if remote.kind == "huggingface":
        from fairlead.integrations.huggingface import SequenceClassifier  # noqa: PLC0415 - heavy

        return SequenceClassifier.load(remote)
    from fairlead.integrations.names import NameTagger  # noqa: PLC0415 - heavy

    return NameTagger.load(remote)
