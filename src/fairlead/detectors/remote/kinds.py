"""The kinds of remote detectors: what each can find, where it is described, and what it can't do.

The labels are those of the named documents; the hazards are the taxonomy's (``core.taxonomy``). A policy can map labels otherwise.
"""

from collections.abc import Mapping
from typing import Literal, get_args

import msgspec

KindName = Literal[
    "fairlead-models",
    "llama-guard-3",
    "llama-guard-4",
    "granite-guardian",
    "shieldgemma",
    "wildguard",
    "openai-moderation",
    "azure-content-safety",
    "azure-prompt-shields",
    "perspective",
    "huggingface",
    "spacy",
    "presidio",
    "gliner",
]
KIND_NAMES: tuple[KindName, ...] = get_args(KindName)

_UNSAFE = {"unsafe": "harmful_request"}
_LLAMA_GUARD = {
    **_UNSAFE,
    "S1": "violent_crimes",
    "S2": "non_violent_crimes",
    "S3": "sex_related_crimes",
    "S4": "child_sexual_exploitation",
    "S5": "defamation",
    "S6": "specialized_advice",
    "S7": "privacy",
    "S8": "intellectual_property",
    "S9": "indiscriminate_weapons",
    "S10": "hate",
    "S11": "suicide_self_harm",
    "S12": "sexual_content",
    "S13": "specialized_advice",
    "S14": "tool_abuse",
}
_NEVER_RUN = "Never run against the live service by this project: written from the document, tested with its shapes."
_NEVER_LOADED = "Never run with the real weights by this project: written from the model card, tested with its shapes."


class RemoteKind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of remote detector."""

    labels: Mapping[str, str]
    """Label to hazard; empty when the policy must say."""
    document: str
    """Where its API, template or output is described, and the version of it."""
    limits: str
    base_url: str = ""
    """Where the service is; empty when the policy must say, or nothing is asked."""
    remote: bool = True
    """False for a model that is loaded into the process."""
    needs_model: bool = False
    needs_key: bool = False
    window: int = 6000
    """Characters that are sent in one piece."""


KINDS: dict[KindName, RemoteKind] = {
    "fairlead-models": RemoteKind(
        labels={hazard: hazard for hazard in ("prompt_injection", "jailbreak", "harmful_request")},
        document="docs/reference/deep-model.md",
        limits="Loaded into the process; tested with made-up weights and with those that are shipped. Its card says what to expect of it.",
        remote=False,
    ),
    "llama-guard-3": RemoteKind(
        labels=_LLAMA_GUARD,
        document="Llama Guard 3 model card, llama.com/docs/model-cards-and-prompt-formats/llama-guard-3, read 2026-11",
        limits=f"{_NEVER_LOADED} The server's chat template frames the text; each is judged alone, without its dialogue.",
        needs_model=True,
    ),
    "llama-guard-4": RemoteKind(
        labels=_LLAMA_GUARD,
        document="Llama Guard 4 model card, llama.com/docs/model-cards-and-prompt-formats/llama-guard-4, read 2026-11",
        limits=f"{_NEVER_LOADED} Text only; each text is judged alone, without the dialogue around it.",
        needs_model=True,
    ),
    "granite-guardian": RemoteKind(
        labels={"harm": "harmful_request", "jailbreak": "jailbreak"},
        document="Granite Guardian 3.0 to 3.3 model cards and cookbooks (guardian_config, Yes/No, <score>), ibm-granite/granite-guardian",
        limits=f"{_NEVER_LOADED} One request for each risk in `labels`; needs a server that takes chat_template_kwargs, such as vLLM.",
        needs_model=True,
    ),
    "shieldgemma": RemoteKind(
        labels={
            "dangerous": "harmful_request",
            "harassment": "toxicity",
            "hate": "hate",
            "sexual": "sexual_content",
        },
        document="ShieldGemma model card (prompt template and four policies), google/shieldgemma-2b, read 2026-11",
        limits=f"{_NEVER_LOADED} One request for each policy in `labels`; needs a server with /completions.",
        needs_model=True,
    ),
    "wildguard": RemoteKind(
        labels={"harmful": "harmful_request"},
        document="WildGuard model card (instruction format), allenai/wildguard, read 2026-11",
        limits=f"{_NEVER_LOADED} Needs a server with /completions; a reply is judged without its request.",
        needs_model=True,
    ),
    "openai-moderation": RemoteKind(
        labels={
            "harassment": "toxicity",
            "harassment/threatening": "toxicity",
            "hate": "hate",
            "hate/threatening": "hate",
            "illicit": "non_violent_crimes",
            "illicit/violent": "violent_crimes",
            "self-harm": "suicide_self_harm",
            "self-harm/intent": "suicide_self_harm",
            "self-harm/instructions": "suicide_self_harm",
            "sexual": "sexual_content",
            "sexual/minors": "child_sexual_exploitation",
            "violence": "violent_crimes",
            "violence/graphic": "violent_crimes",
        },
        document="OpenAI API reference, POST /v1/moderations, model omni-moderation-2024-09-26, read 2026-11",
        limits=f"{_NEVER_RUN} Scores are the service's own and are calibrated for nothing; they change with its model.",
        base_url="https://api.openai.com/v1",
        needs_key=True,
        window=20_000,
    ),
    "azure-content-safety": RemoteKind(
        labels={"Hate": "hate", "SelfHarm": "suicide_self_harm", "Sexual": "sexual_content", "Violence": "violent_crimes"},
        document="Azure AI Content Safety REST API, text:analyze, version 2024-09-01",
        limits=f"{_NEVER_RUN} The score is the severity (0 to 7) divided by 7.",
        needs_key=True,
        window=10_000,
    ),
    "azure-prompt-shields": RemoteKind(
        labels={"user": "jailbreak", "document": "prompt_injection"},
        document="Azure AI Content Safety REST API, text:shieldPrompt, version 2024-09-01",
        limits=f"{_NEVER_RUN} Yes or no: the score is 1 or 0. What a user wrote is sent as the prompt, everything else as a document.",
        needs_key=True,
        window=10_000,
    ),
    "perspective": RemoteKind(
        labels={
            "TOXICITY": "toxicity",
            "SEVERE_TOXICITY": "toxicity",
            "INSULT": "toxicity",
            "IDENTITY_ATTACK": "hate",
            "THREAT": "violent_crimes",
        },
        document="Perspective API reference, comments:analyze, v1alpha1",
        limits=f"{_NEVER_RUN} One attribute for each label; its quota is small (one request a second) unless raised.",
        base_url="https://commentanalyzer.googleapis.com",
        needs_key=True,
        window=5000,
    ),
    "huggingface": RemoteKind(
        labels={},
        document="transformers AutoModelForSequenceClassification; labels of the model's card",
        limits="Loaded into the process; tested with tiny models of random weights, never with a published one by this project.",
        remote=False,
        needs_model=True,
        window=0,
    ),
    "spacy": RemoteKind(
        labels={"PERSON": "pii", "PER": "pii", "ORG": "pii", "GPE": "pii", "LOC": "pii", "FAC": "pii"},
        document="spaCy 3 pipelines, Doc.ents",
        limits="Loaded into the process; names, organisations and places; tested with a blank pipeline and an entity ruler.",
        remote=False,
        needs_model=True,
        window=50_000,
    ),
    "presidio": RemoteKind(
        labels={"PERSON": "pii", "LOCATION": "pii", "NRP": "pii", "ORGANIZATION": "pii"},
        document="Presidio AnalyzerEngine.analyze, 2.2",
        limits="Loaded into the process; tested with a stand-in of the same shape.",
        remote=False,
        window=50_000,
    ),
    "gliner": RemoteKind(
        labels={"person": "pii", "organization": "pii", "location": "pii"},
        document="GLiNER.predict_entities, gliner 0.2",
        limits="Loaded into the process; tested with a stand-in of the same shape.",
        remote=False,
        needs_model=True,
        window=1200,
    ),
}
"""Name of each kind, as a policy says it."""
