"""Names of people, organisations and places, by spaCy, Presidio or GLiNER. Loaded from this machine; nothing is fetched."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple, Self

from fairlead.core import FairleadError, Origin
from fairlead.detectors import Hit
from fairlead.detectors.remote import Remote
from fairlead.integrations.errors import DetectorNotLoaded

ENTITIES = {
    "person": "person_name",
    "per": "person_name",
    "organization": "organisation",
    "org": "organisation",
    "gpe": "place",
    "loc": "place",
    "location": "place",
    "fac": "place",
    "nrp": "group",
}
"""Label of a tagger, lower case, to the entity that a redaction names; another label stands for itself."""
_FOUND = 0.85
"""Score of a span whose tagger gives none, such as spaCy's."""


class Tagged(NamedTuple):
    """A span of a text, as a tagger gives it."""

    start: int
    end: int
    label: str
    score: float


class NameTagger:
    """Wraps a tagger of names.

    Args:
        tag: Text to spans.
        hazards: Label of the tagger to hazard.
    """

    def __init__(self, tag: Callable[[str], Iterable[Tagged]], hazards: Mapping[str, str]) -> None:
        self._tag = tag
        self._hazards = hazards

    @classmethod
    def load(cls, remote: Remote) -> Self:
        """Load the tagger of a kind.

        Raises:
            DetectorNotLoaded: Its library or its model is not here.
        """
        makers = {"spacy": _spacy, "presidio": _presidio, "gliner": _gliner}
        try:
            tag = makers[remote.kind](remote)
        except ImportError as error:
            raise DetectorNotLoaded(f"{remote.kind} is not installed", where=remote.id, mend=f"pip install {remote.kind}") from error
        except FairleadError:
            raise
        except Exception as error:
            mend = "put the model where `model` says"
            raise DetectorNotLoaded(f"the model can't be loaded ({type(error).__name__})", where=remote.id, mend=mend) from error
        return cls(tag, remote.labels)

    def detect(self, text: str, origin: Origin) -> Sequence[Hit]:  # noqa: ARG002 - a name is one whoever writes it
        """Return every span of a label that the policy maps."""
        return [
            Hit(found.start, found.end, self._hazards[found.label], ENTITIES.get(found.label.lower(), found.label.lower()), found.score)
            for found in self._tag(text)
            if found.label in self._hazards
        ]


def spacy_tags(pipeline: Callable[[str], Any], text: str) -> Iterable[Tagged]:
    """Yield the entities of a spaCy pipeline."""
    return (Tagged(entity.start_char, entity.end_char, entity.label_, _FOUND) for entity in pipeline(text).ents)


def presidio_tags(engine: Any, labels: Sequence[str], text: str) -> Iterable[Tagged]:  # noqa: ANN401 - the engine is Presidio's own
    """Yield the results of Presidio's analyzer."""
    found = engine.analyze(text=text, language="en", entities=list(labels))
    return (Tagged(result.start, result.end, result.entity_type, result.score) for result in found)


def gliner_tags(model: Any, labels: Sequence[str], text: str) -> Iterable[Tagged]:  # noqa: ANN401 - the model is GLiNER's own
    """Yield the entities of a GLiNER model, which is told the labels to look for."""
    return (
        Tagged(entity["start"], entity["end"], entity["label"], float(entity["score"]))
        for entity in model.predict_entities(text, list(labels), threshold=0.05)
    )


def _spacy(remote: Remote) -> Callable[[str], Iterable[Tagged]]:
    pipeline = import_module("spacy").load(remote.model)
    return lambda text: spacy_tags(pipeline, text)


def _presidio(remote: Remote) -> Callable[[str], Iterable[Tagged]]:
    engine = import_module("presidio_analyzer").AnalyzerEngine()
    return lambda text: presidio_tags(engine, list(remote.labels), text)


def _gliner(remote: Remote) -> Callable[[str], Iterable[Tagged]]:
    model = import_module("gliner").GLiNER.from_pretrained(remote.model, local_files_only=not remote.download)
    return lambda text: gliner_tags(model, list(remote.labels), text)
