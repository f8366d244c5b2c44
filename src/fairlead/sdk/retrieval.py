"""Retrieved documents in a program: which of them may be used, and as what."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from fairlead.core import Decision, InvalidInput, Metadata, Segment
from fairlead.guard import Flow, Spot, StageOutcome, check_stage
from fairlead.sdk.errors import Stopped
from fairlead.sdk.marking import How, Marking, marking
from fairlead.sdk.turn import Turn


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """One retrieved document, or a piece of one."""

    text: str
    source: str = ""
    tenant: str = ""
    readers: tuple[str, ...] = ()
    """Users and groups who may read it; ``*`` for everybody."""
    updated_at: str = ""
    """ISO 8601."""
    item: Any = None
    """What it was made of: the framework's own object, or a row's id."""

    @property
    def metadata(self) -> Metadata:
        """What the index says of it."""
        return Metadata(source=self.source, tenant=self.tenant, readers=self.readers, updated_at=self.updated_at)


class Retrieved(msgspec.Struct, frozen=True, kw_only=True):
    """What may be used of retrieved documents."""

    passages: tuple[Passage, ...]
    """Those that may be used, in their order, as the policy leaves them, marked if so asked."""
    withheld: Mapping[int, str]
    """Place of each of the others among those that were given, and why: a reason of the policy's ``retrieval``, or the id of a rule."""
    decisions: tuple[Decision, ...]
    """One; a second one when the first stopped documents and the rest was looked at again."""
    marking: Marking | None = None
    """How they are marked; its ``note`` belongs into the system prompt."""

    @property
    def texts(self) -> list[str]:
        """The texts of the passages."""
        return [passage.text for passage in self.passages]


Given = Passage | Mapping[str, Any]
"""A Passage, or a mapping of its fields."""


class Retrieval:
    """Documents that wait for a Decision.

    Args:
        turn: The Exchange.
        given: The documents.
    """

    def __init__(self, turn: Turn, given: Sequence[Given]) -> None:
        self._turn = turn
        self._passages = tuple(_passage(one, place) for place, one in enumerate(given))
        self._found = tuple(
            Segment(path=f"/documents/{place}", origin="retrieved", stage="retrieval", text=one.text, metadata=one.metadata)
            for place, one in enumerate(self._passages)
        )
        self.segments: tuple[Segment, ...] = ()
        """What may be used, as the policy leaves it."""
        self._stopped: dict[str, str] = {}

    def asking(self) -> Flow[list[StageOutcome]]:
        """Decide about all of them; what a rule stops is left out, and the rest is looked at again."""
        context = self._turn.exchange.context
        first = yield from check_stage(context, Spot("retrieval", "documents"), self._found)
        if not first.stopped or first.failed:
            return [first]
        self._stopped = self._stopping(first.decision)
        rest = [segment for segment in self._found if segment.path not in self._stopped]
        if len(rest) in (0, len(self._found)):
            return [first]
        return [first, (yield from check_stage(context, Spot("retrieval", "rest"), rest))]

    def _stopping(self, decision: Decision) -> dict[str, str]:
        """Return path and rule of each document that would be stopped if it were alone."""
        release = self._turn.serving.release
        alone = {
            segment.path: release.decide("retrieval", [finding for finding in decision.findings if finding.path == segment.path])
            for segment in self._found
        }
        return {path: ruling.rule for path, ruling in alone.items() if ruling.verdict == "block"}

    def told(self, outcomes: Sequence[StageOutcome], mark: How | None) -> Retrieved:
        """Return what may be used.

        Args:
            outcomes: Of :meth:`asking`.
            mark: How to mark it.

        Raises:
            Stopped: A rule stops all of them.
        """
        first, last = outcomes[0], outcomes[-1]
        if last.stopped:
            raise Stopped.by(last.decision, last.say)
        out = {**self._stopped, **first.withheld, **last.withheld}
        self.segments = tuple(
            msgspec.structs.replace(segment, text=last.texts.get(segment.path, segment.text))
            for segment in self._found
            if segment.path not in out
        )
        self._turn.exchange.saw(self.segments)
        used = None if mark is None else marking(mark, [segment.text for segment in self.segments])
        return Retrieved(
            passages=tuple(
                msgspec.structs.replace(self._passages[_place(segment.path)], text=segment.text if used is None else used.put(segment.text))
                for segment in self.segments
            ),
            withheld={_place(path): why for path, why in sorted(out.items(), key=lambda entry: _place(entry[0]))},
            decisions=tuple(outcome.decision for outcome in outcomes),
            marking=used,
        )


def _place(path: str) -> int:
    return int(path.rpartition("/")[2])


def _passage(given: Given, place: int) -> Passage:
    try:
        return given if isinstance(given, Passage) else msgspec.convert(dict(given), Passage)
    except (TypeError, ValueError) as error:
        mend = "give text, source, tenant, readers and updated_at, as texts"
        raise InvalidInput("this is no document", where=f"documents[{place}]", mend=mend) from error
