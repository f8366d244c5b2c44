"""Trajectory: what one agent has read, called and spent, kept on the server under our own id.

A client's history only adds to it. A text that was seen as data stays data, whoever sends it again as whose; a tool's result is worth what
the manifest says only if this broker allowed the call that it answers. Counters go up before a call is made, so that calls that run at the
same time can't spend one budget twice, and go down again for a call that was not made.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from fairlead.agents.forms import canonical
from fairlead.agents.memory import MemoryEntry
from fairlead.agents.provenance import DATA, TRUSTED_ORIGINS, TRUSTED_TEXTS, Texts
from fairlead.agents.selection import Fields, Record, ids_of, records_in, selected
from fairlead.agents.stored import StoredLabels
from fairlead.core import Clock, Segment, SystemClock
from fairlead.policy import Label, Tool

Recall = Callable[[Segment], MemoryEntry | None]
"""What is known of a text of another run."""
_WORD = re.compile(r"[^\W_]+")
MAX_CHARS = 4_000_000
"""Characters that one Trajectory keeps; beyond, no text is evidence of anything."""
MAX_CALLS = 10_000
MAX_TRAJECTORIES = 2_000
IDLE_US = 6 * 3_600 * 1_000_000
"""How long a Trajectory is kept that nothing is heard of."""


class Called(NamedTuple):
    """A call that the broker allowed."""

    tool: str
    trusted: bool
    """True when all values of its arguments are."""
    searched: bool
    """True when it had any."""
    objects: tuple[tuple[str, str], ...]
    """Stored objects that its arguments name, each a kind and an id."""
    sums: tuple[tuple[str, int], ...]
    """What it spends: argument to amount in ten-thousandths."""


class Trajectory:
    """What one agent has read, called and spent. Not thread-safe by itself: hold ``lock`` while using it.

    Args:
        tenant: Whose it is.
    """

    def __init__(self, tenant: str = "") -> None:
        self.lock = threading.RLock()
        self.tenant = tenant
        self.texts: dict[Label, Texts] = {**{label: Texts() for label in TRUSTED_TEXTS}, DATA: Texts(trusted=False)}
        self._tainted = False
        self._empty = True
        self.private_seen = False
        self.readers: frozenset[str] | None = None
        """Mail domains that may read everything private that was seen; None for nothing private."""
        self._seen: set[int] = set()
        self._data: set[int] = set()
        self._chars = 0
        self._asking: list[str] = []
        self._words: set[str] = set()
        self._asked: dict[tuple[str, ...], bool] = {}
        self._early: set[str] = set()
        self._vouched: dict[tuple[str, str], Label] = {}
        self._selected: set[str] = set()
        self._fields = Fields()
        self._calls: OrderedDict[str, Called] = OrderedDict()
        self._open: set[str] = set()
        self._counts: dict[str, int] = {}
        self._sums: dict[tuple[str, str], int] = {}

    @property
    def tainted(self) -> bool:
        """True once anything untrusted was read, and as long as nothing is known."""
        return self._tainted or self._empty

    # ------------------------------------------------------------------ what was read
    def ingest(
        self, segments: Iterable[Segment], tools: Mapping[str, Tool], stored: StoredLabels | None = None, recall: Recall | None = None
    ) -> None:
        """Take in texts that were not seen before.

        Args:
            segments: Everything that the model saw, in order.
            tools: The manifest.
            stored: What is known about stored objects.
            recall: What is known about texts of other runs.
        """
        for segment in segments:
            self._empty = False
            key = hash((segment.origin, segment.tool, segment.call, segment.text))
            if key in self._seen or not segment.text:
                continue
            self._seen.add(key)
            remembered = recall(segment) if recall is not None and segment.origin in ("memory", "agent", "user") else None
            if remembered is not None and (segment.origin != "user" or remembered.label == "untrusted"):
                self._take_remembered(segment, remembered)
            elif segment.origin in TRUSTED_ORIGINS:
                self._take_trusted(segment, TRUSTED_ORIGINS[segment.origin])
            elif segment.origin != "model":
                self._take_result(segment, tools, stored)

    def _take_trusted(self, segment: Segment, label: Label) -> None:
        folded = canonical(segment.text)
        if label == "user" and hash(folded) in self._data:
            return  # data that comes back in the user's name stays data
        self._keep(label, segment.path, segment.text, folded)
        if label == "user":
            self._asking.append(folded)
            self._asked.clear()

    def _take_remembered(self, segment: Segment, entry: MemoryEntry) -> None:
        """Take in a text of another run for what it was worth there; it asks for nothing now."""
        if entry.readers is not None:
            self._note_readers(frozenset(entry.readers))
        folded = canonical(segment.text)
        if entry.label == "untrusted":
            self._tainted = True
            self._data.add(hash(folded))
            self._keep(DATA, segment.path, segment.text, folded)
        elif entry.label != "model" and hash(folded) not in self._data:
            self._keep(entry.label, segment.path, segment.text, folded)

    def worth(self, text: str) -> tuple[Label, str]:
        """Return the label of a text that is written now, and where it stands: one that stands whole in a trusted text has its label."""
        wanted = canonical(text)
        for label in TRUSTED_TEXTS:
            source = self.texts[label].find(wanted, text)
            if source is not None:
                return label, source
        return ("untrusted" if self.tainted else "model"), ""

    def _take_result(self, segment: Segment, tools: Mapping[str, Tool], stored: StoredLabels | None) -> None:
        tool = tools.get(segment.tool)
        called = self._calls.get(segment.call) if segment.call else None
        if called is not None and called.tool != segment.tool:
            called = None
        if called is not None:
            self._open.discard(segment.call)
        self._note_private(tool)
        folded = canonical(segment.text)
        found = records_in(segment.text) if tool is not None and tool.records is not None else []
        if tool is not None and called is not None and self._is_trusted(tool, called, found, stored):
            self._keep("tool", tool.name, segment.text, folded)
        else:
            self._tainted = True
            self._data.add(hash(folded))
            self._keep(DATA, segment.tool if tool is not None else segment.path, segment.text, folded)
            if tool is not None:
                self._fields.add(tool.name, segment.text)
        if tool is not None and called is not None and tool.records is not None:
            self._note_records(tool, called, found)
        if tool is not None and called is not None and stored is not None and tool.does != "nothing" and not called.trusted:
            stored.stamp(self.tenant, _objects(tool, called, found))

    def _is_trusted(self, tool: Tool, called: Called, found: Sequence[Record], stored: StoredLabels | None) -> bool:
        if tool.outputs != "trusted" or not called.trusted:
            return False
        return stored is None or not stored.tainted(self.tenant, _objects(tool, called, found))

    def _note_records(self, tool: Tool, called: Called, found: Sequence[Record]) -> None:
        # A call that made something answers with that one thing: nobody could choose another one by what he searched for.
        made = tool.does != "nothing" and len(found) == 1
        if tool.records is not None and (called.trusted or made):
            for entry in selected(found, tool.records, self.is_named, searched=called.searched and called.trusted):
                self._vouched.setdefault(entry, "selected")
                self._selected.add(entry[1])

    def _note_private(self, tool: Tool | None) -> None:
        if tool is not None and tool.private:
            self._note_readers(frozenset(tool.readers))

    def _note_readers(self, readers: frozenset[str]) -> None:
        self.private_seen = True
        self.readers = readers if self.readers is None else self.readers & readers

    def _keep(self, label: Label, source: str, text: str, folded: str) -> None:
        self._chars += len(text)
        if self._chars > MAX_CHARS:
            self._tainted = True  # what can't be kept can't be looked through
        else:
            self.texts[label].add(source, text, folded)

    # ------------------------------------------------------------------ what it is evidence of
    def is_named(self, value: str) -> bool:
        """Tell whether a value stands in a trusted text."""
        wanted = canonical(value)
        return any(self.texts[label].find(wanted, value) is not None for label in TRUSTED_TEXTS)

    def vouched(self, tool: str, argument: str, kind: str, value: str) -> Label | None:
        """Return ``selected`` or ``endorsed`` for a value that is so, for this use."""
        own = self._vouched.get((f"{tool}.{argument}", value))
        return own if own is not None or not kind else self._vouched.get((kind, value))

    def is_selected(self, value: str) -> bool:
        """Tell whether a value is one of the record that was meant, of whatever kind."""
        return value in self._selected

    def endorse(self, tool: str, argument: str, value: str) -> None:
        """Let a value, in the form in which it is compared, be used for an argument of a tool from now on: a person vouched for it."""
        self._vouched[f"{tool}.{argument}", value] = "endorsed"

    def want(self, tool: str) -> None:
        """Take the user to want a tool from now on: a person said so."""
        self._early.add(tool)

    def beside(self, source: str, value: str) -> Iterator[str]:
        """Yield the values that stand in the same field of a tool's results as this one."""
        return self._fields.beside(source, value)

    def endorse_source(self, source: str) -> None:
        """Let the data of one source, a tool or a path, count as endorsed from now on: a person vouched for it."""
        for folded in self.texts[DATA].of_source(source):
            self.texts["endorsed"].add(source, folded, folded)

    def intended(self, tool: Tool) -> bool:
        """Tell whether the user asked for such a tool, or it was called before anything untrusted was read."""
        if not self.tainted or not tool.intent or tool.name in self._early:
            return True
        while self._asking:
            self._words.update(_words_of(self._asking.pop()))
        known = self._asked.get(tool.intent)
        if known is None:
            known = any(all(self._says(word) for word in phrase.split()) for phrase in tool.intent)
            self._asked[tool.intent] = known
        return known

    def _says(self, beginnings: str) -> bool:
        either = tuple(beginnings.split("|"))
        return any(word.startswith(either) for word in self._words)

    # ------------------------------------------------------------------ what was called and spent
    def calls(self, tool: str = "") -> int:
        """Return how many calls of a tool, or of all, were made or are on their way."""
        return self._counts.get(tool, 0) if tool else sum(self._counts.values())

    def spent(self, tool: str, argument: str) -> int:
        """Return the sum of an argument's values over all calls of a tool, in ten-thousandths."""
        return self._sums.get((tool, argument), 0)

    def reserve(self, call: str, called: Called) -> None:
        """Count a call that is allowed, before it is made."""
        if not self.tainted:
            self._early.add(called.tool)
        self._count(called, 1)
        if call:
            self._calls[call] = called
            self._open.add(call)
            while len(self._calls) > MAX_CALLS:
                self._open.discard(self._calls.popitem(last=False)[0])

    def settle(self, call: str, *, made: bool) -> None:
        """Say what became of a call; one that was not made is given back."""
        if call not in self._open:
            return
        self._open.discard(call)
        if not made:
            self._count(self._calls.pop(call), -1)

    def _count(self, called: Called, step: int) -> None:
        self._counts[called.tool] = self._counts.get(called.tool, 0) + step
        for argument, amount in called.sums:
            self._sums[called.tool, argument] = self._sums.get((called.tool, argument), 0) + step * amount


def _objects(tool: Tool, called: Called, found: Sequence[Record]) -> list[tuple[str, str]]:
    """Return the stored objects that a call names or returned."""
    shape = tool.records
    return [*called.objects, *(entry for record in found for entry in ids_of(record, shape))] if shape is not None else [*called.objects]


def _words_of(folded: str) -> Collection[str]:
    return set(_WORD.findall(folded))


class TrajectoryStore(Protocol):
    """Keeps Trajectories between requests. Failure posture: an exception blocks the call."""

    def open(self, tenant: str, user: str, trajectory: str) -> Trajectory:
        """Return the Trajectory of this tenant and user under this id, a new one if there is none."""
        ...


class MemoryTrajectories:
    """Trajectories of one process.

    Args:
        clock: Tells which are idle.
        limit: Most that are kept; the one that was idle longest goes first.
        idle_us: How long one is kept that nothing is heard of, microseconds.
    """

    def __init__(self, clock: Clock | None = None, *, limit: int = MAX_TRAJECTORIES, idle_us: int = IDLE_US) -> None:
        self._clock = clock or SystemClock()
        self._limit = limit
        self._idle_us = idle_us
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str, str], tuple[int, Trajectory]] = OrderedDict()

    def open(self, tenant: str, user: str, trajectory: str) -> Trajectory:
        """Return the Trajectory of this tenant and user under this id, a new one if there is none."""
        key, now = (tenant, user, trajectory), self._clock.monotonic_us()
        with self._lock:
            for old, (used_us, _) in list(self._kept.items()):
                if now - used_us < self._idle_us:
                    break
                del self._kept[old]
            found = self._kept.pop(key, None)
            kept = found[1] if found is not None else Trajectory(tenant)
            self._kept[key] = (now, kept)
            while len(self._kept) > self._limit:
                self._kept.popitem(last=False)
            return kept
