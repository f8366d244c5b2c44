"""Retrieved documents: which of them the model may see, by what the index knows of each. Pure; the flow asks for time and levers.

A document is a Segment with Metadata, or an object in the JSON text of a retrieval tool: one object, a list of them, or such a list
under ``documents``, with ``source``, ``tenant``, ``readers`` and ``updated_at`` in it or in its ``metadata``.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from fairlead.core import SEVERITY, Coverage, Finding, Metadata, Segment
from fairlead.detectors import alike, shingles
from fairlead.guard.context import ExchangeContext, StageOutcome
from fairlead.guard.record import known_tool
from fairlead.policy import RetrievalDocument

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
Reason = Literal["quarantined", "canary", "tenant", "acl", "source", "stale", "copy"]
"""Why a document is withheld, gravest first."""
REASONS: Mapping[Reason, tuple[str, str]] = {
    "quarantined": ("its source is contained", "prompt_injection"),
    "canary": ("it is a canary", "prompt_injection"),
    "tenant": ("it is not known to be of this tenant", "data_exfiltration"),
    "acl": ("the user is not known to be a reader", "data_exfiltration"),
    "source": ("its source is not listed", "prompt_injection"),
    "stale": ("it is not known to be recent", "ungrounded"),
    "copy": ("it is a near-copy of another one", "prompt_injection"),
}
"""What a person reads, and the hazard that it would have been."""
DETECTOR = "retrieval@1"
EVERYBODY = "*"
_SKEW = timedelta(days=1)
"""A date further ahead than clocks differ is made up."""
_LEAST_WORDS = 8
"""A shorter text is like others by chance: a title, a name."""
_MAX_DOCUMENTS = 1_000


class Withheld(NamedTuple):
    """One document that the model does not see."""

    path: str
    reason: Reason
    chars: int

    def finding(self) -> Finding:
        """Return what is recorded of it; no content."""
        hazard = REASONS[self.reason][1]
        return Finding(hazard=hazard, score=1.0, span=(0, self.chars), path=self.path, detector=DETECTOR, entity=self.reason)

    def coverage(self) -> Coverage:
        """Return the entry that says that nothing else looked at it."""
        reason = f"withheld: {REASONS[self.reason][0]}"
        return Coverage(path=self.path, chars=self.chars, status="skipped", detectors=(DETECTOR,), reason=reason)


class Screened(NamedTuple):
    """What is left of retrieved documents."""

    segments: tuple[Segment, ...]
    """What may be looked at further, as it stands now."""
    withheld: tuple[Withheld, ...] = ()
    texts: Mapping[str, str] = {}
    """Path of each text that changed, and what stands there now."""


class _Entry(NamedTuple):
    path: str
    text: str
    metadata: Metadata


def documents_in(text: str) -> list[dict[str, Json]] | None:
    """Return the documents of a retrieval tool's JSON; None for a text that has no or two readings.

    Args:
        text: The tool's result.
    """
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        found = json.loads(text, object_pairs_hook=_members)
    except (ValueError, RecursionError):
        return None
    if isinstance(found, dict) and "documents" in found:
        found = found["documents"] if len(found) == 1 else None
    listed = [found] if isinstance(found, dict) else found
    sound = isinstance(listed, list) and len(listed) <= _MAX_DOCUMENTS and all(isinstance(entry, dict) for entry in listed)
    return listed if sound else None


def metadata_of(entry: Mapping[str, object]) -> Metadata:
    """Return what a document's object says of it; what has another kind than it should is not known.

    Args:
        entry: The object; what stands in its ``metadata`` counts first.
    """
    beside = entry.get("metadata")
    known = {**entry, **beside} if isinstance(beside, Mapping) else entry
    readers = known.get("readers")
    listed = [readers] if isinstance(readers, str) else readers
    return Metadata(
        source=_said(known.get("source")),
        tenant=_said(known.get("tenant")),
        readers=tuple(listed) if isinstance(listed, list | tuple) and all(isinstance(reader, str) for reader in listed) else (),
        updated_at=_said(known.get("updated_at")),
    )


def sources_named(segments: Sequence[Segment]) -> tuple[str, ...]:
    """Return the sources that documents name, each once."""
    named = (entry.metadata.source for segment in segments for entry in _entries(segment))
    return tuple(dict.fromkeys(source for source in named if source))


def screen(context: ExchangeContext, segments: Sequence[Segment], now_us: int, contained: frozenset[str]) -> Screened:
    """Withhold what the user may not see, what is not known well enough, and what floods.

    Args:
        context: Who asks, and the policy.
        segments: Retrieved texts.
        now_us: Wall time in microseconds.
        contained: Sources on which a lever is pulled.
    """
    judge = _Judge(context, now_us, contained)
    enforced = context.release.policy.mode == "enforce"
    left: list[Segment] = []
    withheld: list[Withheld] = []
    texts: dict[str, str] = {}
    for segment in segments:
        entries = _entries(segment)
        out = [Withheld(entry.path, reason, len(entry.text)) for entry in entries if (reason := judge.reason(entry)) is not None]
        withheld += out
        gone = frozenset(entry.path for entry in out if enforced or entry.reason == "quarantined")
        if not gone:
            left.append(segment)
            continue
        texts[segment.path] = _without(segment, [entry.path in gone for entry in entries])
        if texts[segment.path]:
            left.append(msgspec.structs.replace(segment, text=texts[segment.path]))
    return Screened(tuple(left), tuple(withheld), texts)


def with_withheld(context: ExchangeContext, outcome: StageOutcome, screened: Screened, segments: Sequence[Segment]) -> StageOutcome:
    """Return what came of a Stage, with what was withheld before it: in the record, and in the texts.

    Args:
        context: Who asks, and the policy.
        outcome: Of what was left.
        screened: What was withheld.
        segments: Everything that was retrieved.
    """
    if not screened.withheld:
        return outcome
    decision, gravest = outcome.decision, min(screened.withheld, key=lambda one: list(REASONS).index(one.reason))
    held = bool(screened.texts)
    decision = msgspec.structs.replace(
        decision,
        findings=(*decision.findings, *(one.finding() for one in screened.withheld)),
        coverage=(*decision.coverage, *(one.coverage() for one in screened.withheld)),
        tool=known_tool(context.release, segments),
    )
    if SEVERITY[decision.verdict] < SEVERITY["redact"]:
        rule, action, mode = f"retrieval.{gravest.reason}", decision.action, decision.mode
        if held:
            action, mode = "redact", "enforce"
        elif decision.verdict == "allow":
            mode = "shadow"
        decision = msgspec.structs.replace(decision, verdict="redact", action=action, mode=mode, rule=rule)
    enforced = context.release.policy.mode == "enforce"
    why = {one.path: one.reason for one in screened.withheld if enforced or one.reason == "quarantined"}
    texts = {} if outcome.stopped else {**screened.texts, **outcome.texts}
    return msgspec.structs.replace(outcome, decision=decision, texts=texts, withheld=why)


def _without(segment: Segment, gone: Sequence[bool]) -> str:
    """Return a text without some of its documents; empty when none is left."""
    if all(gone):
        return ""
    kept = [document for document, out in zip(documents_in(segment.text) or (), gone, strict=True) if not out]
    listed = segment.text.lstrip().startswith("[")
    return json.dumps(kept if listed else {"documents": kept}, ensure_ascii=False)


class _Judge:
    """Says of each document why it is withheld, one after the other: what was kept counts for the next."""

    def __init__(self, context: ExchangeContext, now_us: int, contained: frozenset[str]) -> None:
        self._rules = context.release.policy.retrieval or RetrievalDocument()
        self._tenant = context.tenant
        self._rights = frozenset(filter(None, (context.user, *context.groups))) | {EVERYBODY}
        self._now = datetime.fromtimestamp(now_us / 1_000_000, UTC)
        self._contained = contained
        self._kept: list[tuple[frozenset[str], int]] = []

    def reason(self, entry: _Entry) -> Reason | None:
        """Return why a document is withheld; None for one that may be used."""
        known, require = entry.metadata, self._rules.require
        checks: tuple[tuple[Reason, bool], ...] = (
            ("quarantined", known.source in self._contained),
            ("canary", known.source in self._rules.canaries),
            ("tenant", require.tenant == "own" and known.tenant != self._tenant),
            ("acl", require.acl == "user" and not self._rights.intersection(known.readers)),
            ("source", bool(self._rules.sources) and known.source not in self._rules.sources),
            ("stale", require.fresh is not None and not self._is_fresh(known.updated_at, require.fresh)),
        )
        found = next((reason for reason, holds in checks if holds), None)
        return found or ("copy" if self._is_copy(entry.text) else None)

    def _is_fresh(self, updated_at: str, days: int) -> bool:
        try:
            told = datetime.fromisoformat(updated_at)
        except ValueError:
            return False
        age = self._now - (told if told.tzinfo is not None else told.replace(tzinfo=UTC))
        return -_SKEW <= age <= timedelta(days=days)

    def _is_copy(self, text: str) -> bool:
        if self._rules.copies is None or len(text.split()) < _LEAST_WORDS:
            return False
        runs = shingles(text)
        for place, (kept, count) in enumerate(self._kept):
            if alike(runs, kept):
                if count >= self._rules.copies:
                    return True
                self._kept[place] = (kept, count + 1)
                return False
        self._kept.append((runs, 1))
        return False


def _entries(segment: Segment) -> list[_Entry]:
    if segment.metadata is not None:
        return [_Entry(segment.path, segment.text, segment.metadata)]
    found = documents_in(segment.text)
    if found is None:
        return [_Entry(segment.path, segment.text, Metadata())]
    return [_Entry(f"{segment.path}#{place}", "\n".join(_strings(entry)), metadata_of(entry)) for place, entry in enumerate(found)]


def _strings(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _members(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is there twice")
    return found


def _said(value: object) -> str:
    return value if isinstance(value, str) else ""
