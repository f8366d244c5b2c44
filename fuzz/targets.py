"""What is fuzzed, and what must hold whatever is fed in."""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import NamedTuple

from fairlead.core import FairleadError
from fairlead.detectors import Cluster, PatternScanner, Registry, builtin_patterns, prepare
from fairlead.detectors.views import BUDGET, FREE
from fairlead.policy import compile_release, default_policy, load_policy
from fairlead.wire import Event, EventReader
from fuzz import seeds


class Target(NamedTuple):
    """One thing that is fuzzed."""

    run: Callable[[bytes], None]
    """Takes an input; raises when something that must hold does not."""
    seeds: Callable[[], Iterable[bytes]]


class Broken(Exception):
    """Something that must hold does not."""


def _require(holds: bool, what: str) -> None:  # noqa: FBT001 - it is the sentence
    if not holds:
        raise Broken(what)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _prepare(data: bytes) -> None:
    text = _text(data)
    prepared = prepare(text)
    _require(sum(len(view.text) for view in prepared.views) <= FREE + BUDGET * len(text), "the views keep to their budget")
    for view in prepared.readings:
        for place in range(0, len(view.text), max(1, len(view.text) // 64)):
            start, end = view.span(place, place + 1)
            _require(0 <= start < end <= len(text), f"a place of {view.kind} leads into the text")
        if view.text:
            start, end = view.span(0, len(view.text))
            _require(0 <= start < end <= len(text), f"all of {view.kind} leads into the text")


@cache
def _detectors() -> Registry:
    return Registry.load()


@cache
def _scanner() -> PatternScanner:
    return PatternScanner(builtin_patterns())


def _detect(data: bytes) -> None:
    text = prepare(_text(data))
    for detector in (_scanner(), *_detectors().all()):
        for hit in detector.detect(text, "retrieved"):
            _require(0 <= hit.start < hit.end <= len(text.original), f"a span of {detector.id} lies in the text")
            _require(0 <= hit.score <= 1, f"a score of {detector.id} is one")


def _stream(data: bytes) -> None:
    sizes, text = data[:8], _text(data[8:])
    stream = _scanner().stream()
    parts: list[str] = []
    clusters: list[Cluster] = []
    position, capped = 0, False
    fed = (stream.feed(text[start:end]) for start, end in _lengths(len(text), sizes))
    for settled in (*fed, stream.close()):
        _require(settled.start == position, "the pieces follow each other")
        position += len(settled.text)
        parts.append(settled.text)
        clusters += settled.clusters
        capped = capped or settled.capped
    _require("".join(parts) == text, "the pieces make the text")
    _require(capped or clusters == _scanner().clusters(text), "a split changes nothing that is found")


def _lengths(total: int, sizes: bytes) -> Iterator[tuple[int, int]]:
    """Yield where pieces of the given sizes start and end, over and over, up to a total."""
    position = 0
    while position < total:
        end = position + (1 + sizes[(position + len(sizes)) % len(sizes)] if sizes else total)
        yield position, end
        position = end


def _events(data: bytes) -> None:
    sizes, body = data[:8], data[8:]
    whole = EventReader()
    expected = whole.feed(body) + whole.close()
    reader, got = EventReader(), list[Event]()
    for start, end in _lengths(len(body), sizes):
        got += reader.feed(body[start:end])
    _require(got + reader.close() == expected, "a split changes no event")


def _policy(data: bytes) -> None:
    try:
        policy = load_policy("fairlead.yaml", _text(data), _detectors())
        compile_release(policy, _detectors())
    except FairleadError as refused:
        _require(bool(refused.code and refused.mend is not None), "a refusal has a code")


def _policies() -> Iterator[bytes]:
    yield default_policy()[1].encode()
    yield from seeds.policies()


TARGETS: dict[str, Target] = {
    "prepare": Target(_prepare, seeds.texts),
    "detect": Target(_detect, seeds.texts),
    "stream": Target(_stream, seeds.streams),
    "events": Target(_events, seeds.events),
    "policy": Target(_policy, _policies),
}
