"""Pseudonyms: names that stand for values on the way up, and the values put back on the way down (laws 2 and 9).

A name ends in eighty bits under the tenant's key and the scope: the Trajectory if there is one, else the Exchange. Values are put back
before a rule, the broker or the client sees a text: each of them reads what was meant, so a rule at ``output`` that redacts wins, and
constraints and provenance of a tool's arguments are those of the real value. A name that the vault does not hold stays as it is.
"""

import json
import re
from bisect import bisect_left
from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress

import msgspec

from fairlead.core import Segment
from fairlead.guard.context import ExchangeContext
from fairlead.guard.errors import PortFailed
from fairlead.guard.ports import Ask, AskHeld, AskKeep, ToolCall
from fairlead.guard.record import edited
from fairlead.policy import Edit

_TAG = re.compile(r"_(?=([A-Z2-7]{16}))")
"""What a name ends in; see ``detectors.Operators``. A look-ahead, so that of a longer run the first characters count."""
_TAG_CHARS = 17
_SHAPE = re.compile(r"[A-Z0-9]_([A-Z2-7]{16})(?![A-Z0-9_])")
SECOND_US = 1_000_000


class Made:
    """Collects what the operators name."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def keep(self, pseudonym: str, value: str) -> None:
        """Take a value under its name."""
        self.values[pseudonym] = value


class Restorer:
    """Puts values back in a text that comes in pieces; only what may become a name of these is held.

    Args:
        values: Name to value.
    """

    __slots__ = ("_buffer", "_first", "_longest", "_names", "_tags", "_values", "restored")

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self._names = sorted(values)
        self._tags = {name[-_TAG_CHARS + 1 :]: name for name in self._names}
        self._first = frozenset(name[0] for name in self._names)
        self._longest = max(map(len, self._names), default=0)
        self._buffer = ""
        self.restored = 0
        """How many names gave way to their values."""

    @property
    def held(self) -> int:
        """Return how many characters are held now."""
        return len(self._buffer)

    def feed(self, text: str) -> str:
        """Take the next piece and return what is decided now."""
        if not self._names:
            return text
        self._buffer += text
        return self._take(last=False)

    def close(self) -> str:
        """End the text and return the rest."""
        return self._take(last=True)

    def _take(self, *, last: bool) -> str:
        text, out, position = self._buffer, "", 0
        for match in _TAG.finditer(text):
            name = self._tags.get(match[1])
            end = match.end(1)
            if name is None or end - len(name) < position or not text.endswith(name, position, end):
                continue
            out += text[position : end - len(name)] + self._values[name]
            position = end
            self.restored += 1
        alive = len(text) if last else self._alive(text, position)
        self._buffer = text[alive:]
        return out + text[position:alive]

    def _alive(self, text: str, position: int) -> int:
        """Return the first place from which on all of the text is the beginning of a name."""
        for start in range(max(position, len(text) - self._longest + 1), len(text)):
            if text[start] in self._first:
                begun = text[start:]
                place = bisect_left(self._names, begun)
                if place < len(self._names) and self._names[place].startswith(begun):
                    return start
        return len(text)


def make(context: ExchangeContext, segments: Sequence[Segment], edits: Sequence[Edit]) -> Generator[Ask, object, dict[str, str]]:
    """Edit texts, and have the vault keep what the pseudonyms in them stand for.

    A vault that does not answer changes nothing of what leaves: the names can't be undone then.

    Args:
        context: The Exchange.
        segments: Texts.
        edits: What stands in place of their Findings.
    """
    made = Made()
    texts = edited(segments, edits, context.operators._replace(vault=made, scope=scope_of(context)))
    if made.values:
        ttl_us = context.release.policy.pseudonym_ttl_s * SECOND_US
        with suppress(PortFailed):
            yield AskKeep(context.tenant, scope_of(context), made.values, ttl_us)
    return texts


def ask_held(context: ExchangeContext) -> Generator[Ask, object, Mapping[str, str]]:
    """Ask for the names of the scope and their values; none where no rule makes any, or the vault does not answer."""
    if not context.release.pseudonymises:
        return {}
    try:
        answer = yield AskHeld(context.tenant, scope_of(context))
    except PortFailed:
        return {}
    return answer if isinstance(answer, dict) else {}


def put_back(segments: Sequence[Segment], values: Mapping[str, str]) -> tuple[tuple[Segment, ...], int]:
    """Return texts with their values, and how many were put back.

    Args:
        segments: Texts of an answer.
        values: Name to value.
    """
    out: list[Segment] = []
    count = 0
    for segment in segments:
        restorer = Restorer(values)
        text = restorer.feed(segment.text) + restorer.close()
        count += restorer.restored
        out.append(msgspec.structs.replace(segment, text=text) if restorer.restored else segment)
    return tuple(out), count


def call_put_back(call: ToolCall, values: Mapping[str, str]) -> tuple[ToolCall, int]:
    """Return a call with the values in its arguments, escaped where these are JSON, and how many were put back.

    Args:
        call: As the model asks for it.
        values: Name to value.
    """
    try:
        text = call.arguments.decode()
    except UnicodeDecodeError:
        return call, 0
    if _is_json(call.arguments):
        values = {name: json.dumps(value, ensure_ascii=False)[1:-1] for name, value in values.items()}
    restorer = Restorer(values)
    text = restorer.feed(text) + restorer.close()
    return (
        (msgspec.structs.replace(call, arguments=text.encode("utf-8", "surrogatepass")), restorer.restored)
        if restorer.restored
        else (call, 0)
    )


def left_over(texts: Sequence[str]) -> int:
    """Return how many names stand in texts whose values were put back: forgotten ones, strangers', or made up."""
    return sum(1 for text in texts for _ in _SHAPE.finditer(text))


def scope_of(context: ExchangeContext) -> str:
    """Return within what a value has one name, and a name one value."""
    return f"trajectory:{context.trajectory}" if context.trajectory else f"exchange:{context.exchange}"


def _is_json(arguments: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(arguments), dict | list)
    except (msgspec.DecodeError, RecursionError):
        return False
