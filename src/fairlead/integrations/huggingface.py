"""Sequence classifiers of the Hugging Face format, by name or folder: Prompt Guard 2, PIGuard, ProtectAI v2, and any other with labels.

A long text is read in windows of the model's own length that overlap by an eighth; the highest window counts, and a text of more than
``MAX_WINDOWS`` is refused: nothing is cut off in silence. Nothing is fetched unless the policy says ``download: true``, and no code that
comes with a model is run.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Self

from fairlead.core import Origin
from fairlead.detectors import Hit
from fairlead.detectors.remote import MAX_WINDOWS, Remote, best_hits
from fairlead.integrations.errors import DetectorNotLoaded

LONGEST = 512
"""Tokens of a window at most, whatever the model says of itself."""
_CHARS_PER_TOKEN = 20
"""A text that has more characters than so many a token can't fit into the windows; it is not even cut into tokens."""

Tokens = Mapping[str, Any]


class SequenceClassifier:
    """A model that gives each label a score.

    Args:
        tokenize: Text to the windows' tensors and their offsets.
        classify: Tensors to one row of probabilities a window.
        labels: Label of each column.
        hazards: Label, lower case, to hazard.
        length: Tokens of a window.
    """

    def __init__(
        self,
        tokenize: Callable[[str], Tokens],
        classify: Callable[[Tokens], Sequence[Sequence[float]]],
        *,
        labels: Sequence[str],
        hazards: Mapping[str, str],
        length: int,
    ) -> None:
        self._tokenize = tokenize
        self._classify = classify
        self._hazards = [hazards.get(label.lower(), "") for label in labels]
        self._length = length

    @classmethod
    def load(cls, remote: Remote) -> Self:
        """Load a model.

        Args:
            remote: Its ``model`` is a name on the hub or a folder; its labels are the model's.

        Raises:
            DetectorNotLoaded: transformers or torch is not installed, the model is not here, or it has none of the labels.
        """
        try:
            torch, transformers = import_module("torch"), import_module("transformers")
        except ImportError as error:
            mend = "pip install transformers torch"
            raise DetectorNotLoaded("transformers or torch is not installed", where=remote.id, mend=mend) from error
        only = {"local_files_only": not remote.download, "trust_remote_code": False}
        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(remote.model, use_fast=True, **only)
            model = transformers.AutoModelForSequenceClassification.from_pretrained(remote.model, **only)
        except Exception as error:
            mend = "put the model where `model` says, or set `download: true`"
            raise DetectorNotLoaded(f"the model can't be loaded ({type(error).__name__})", where=remote.id, mend=mend) from error
        model.eval()
        names = [str(model.config.id2label[index]) for index in range(model.config.num_labels)]
        hazards = {label.lower(): hazard for label, hazard in remote.labels.items()}
        if not any(name.lower() in hazards for name in names):
            mend = f"its labels are: {', '.join(names)}"
            raise DetectorNotLoaded("the model has none of the labels that the policy maps", where=remote.id, mend=mend)
        length = min(LONGEST, int(tokenizer.model_max_length), int(getattr(model.config, "max_position_embeddings", LONGEST)))

        def tokenize(text: str) -> Tokens:
            windows: Tokens = tokenizer(
                text,
                truncation=True,
                max_length=length,
                stride=length // 8,
                return_overflowing_tokens=True,
                return_offsets_mapping=True,
                padding=True,
                return_tensors="pt",
            )
            return windows

        def classify(windows: Tokens) -> Sequence[Sequence[float]]:
            inputs = {name: value for name, value in windows.items() if name in tokenizer.model_input_names}
            with torch.no_grad():
                rows: list[list[float]] = model(**inputs).logits.softmax(dim=-1).tolist()
            return rows

        return cls(tokenize, classify, labels=names, hazards=hazards, length=length)

    def detect(self, text: str, origin: Origin) -> Sequence[Hit]:  # noqa: ARG002 - the model is not told who wrote it
        """Return the highest window of each hazard.

        Raises:
            ValueError: The text is longer than the windows.
        """
        if len(text) > MAX_WINDOWS * self._length * _CHARS_PER_TOKEN:
            raise ValueError("too long")
        windows = self._tokenize(text)
        offsets = [[(int(start), int(end)) for start, end in window if end > start] for window in windows["offset_mapping"]]
        if len(offsets) > MAX_WINDOWS:
            raise ValueError("too long")
        hits: list[Hit] = []
        for spans, row in zip(offsets, self._classify(windows), strict=True):
            start, end = (spans[0][0], spans[-1][1]) if spans else (0, len(text))
            hits += [Hit(start, end, hazard, "", score) for hazard, score in zip(self._hazards, row, strict=True) if hazard]
        return best_hits(hits)
