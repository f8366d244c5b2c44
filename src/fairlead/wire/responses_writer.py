"""Writes the events of a streamed Response: every one is made anew from what may leave, with numbers and places without a gap.

Shapes: OpenAI API reference, "Streaming events" of Responses (read November 2026).
"""

from collections.abc import Mapping
from typing import NamedTuple

from fairlead.wire.document import Json, encode, text_of
from fairlead.wire.responses_body import message_saying, response_of
from fairlead.wire.sse import encode_event


class Shape(NamedTuple):
    """What the events of one kind of part are called."""

    holder: str
    """Field of the item in which such parts stand."""
    field: str
    """Field of the part that holds its text."""
    text: str
    """Begins the names of the events about its text."""
    part: str
    """Begins the names of the events about the part."""
    place: str
    """Field of an event that says which part it is about."""


_IN_CONTENT = ("response.content_part", "content_index")
SHAPES: Mapping[str, Shape] = {
    "output_text": Shape("content", "text", "response.output_text", *_IN_CONTENT),
    "refusal": Shape("content", "refusal", "response.refusal", *_IN_CONTENT),
    "reasoning_text": Shape("content", "text", "response.reasoning_text", *_IN_CONTENT),
    "summary_text": Shape("summary", "text", "response.reasoning_summary_text", "response.reasoning_summary_part", "summary_index"),
}
"""Parts that stream text, by type."""
_CALL_EVENTS = {
    "function_call": ("response.function_call_arguments", "arguments"),
    "custom_tool_call": ("response.custom_tool_call_input", "input"),
}
"""Items whose call has events of its own: how these begin, and the field that they tell."""


class Part:
    """One text of an item as it leaves.

    Args:
        kind: Its type.
    """

    __slots__ = ("kind", "place", "said", "value")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.place = -1
        """Which part of its item it is; -1 until it is told."""
        self.said: list[str] = []
        self.value: dict[str, Json] | None = None
        """The whole part, once it has ended."""

    def shown(self, text: str, notes: list[Json] | None = None, tokens: list[Json] | None = None) -> dict[str, Json]:
        """Return the part with a text."""
        value: dict[str, Json] = {"type": self.kind, SHAPES[self.kind].field: text}
        return value | {"annotations": notes or [], "logprobs": tokens or []} if self.kind == "output_text" else value


class Item:
    """One message or reasoning as it leaves.

    Args:
        head: Its fields beside its texts, such as ``id``, ``type`` and ``role``.
    """

    __slots__ = ("ended", "head", "parts", "place")

    def __init__(self, head: dict[str, Json]) -> None:
        self.head = head
        self.parts: list[Part] = []
        self.place = -1
        """Which item of the output it is; -1 until it is told."""
        self.ended = False

    def part(self, kind: str) -> Part:
        """Return a new part at the end."""
        part = Part(kind)
        self.parts.append(part)
        return part

    def shown(self, status: str, *, empty: bool = False) -> dict[str, Json]:
        """Return the item with what left of it, or as it begins."""
        value: dict[str, Json] = {**self.head, "status": status}
        holders: dict[str, list[Json]] = {"content": []} if self.head["type"] == "message" else {"summary": []}
        for part in () if empty else sorted(self.parts, key=lambda part: part.place):
            if part.value is not None:
                holders.setdefault(SHAPES[part.kind].holder, []).append(part.value)
        return {**value, **holders}


class Writer:
    """Writes the events of one stream.

    Args:
        head: What is known of the response from the beginning.
    """

    def __init__(self, head: dict[str, Json]) -> None:
        self.head = head
        self.output: list[Json] = []
        self._number = 0
        self._begun = False

    def event(self, kind: str, fields: dict[str, Json]) -> bytes:
        """Return one event, numbered."""
        body: dict[str, Json] = {"type": kind, **fields, "sequence_number": self._number}
        self._number += 1
        return encode_event(encode(body), kind.encode())

    def begin(self) -> list[bytes]:
        """Return the event that begins a stream, unless it has left."""
        return [] if self._begun else [self.state("response.created", "in_progress")]

    def state(self, kind: str, status: str) -> bytes:
        """Return an event that tells the state of a response that goes on."""
        self._begun = True
        return self.event(kind, {"response": response_of({**self.head, "status": status}, [])})

    def say(self, item: Item, part: Part, text: str) -> list[bytes]:
        """Return the events that tell a piece of text."""
        shape = SHAPES[part.kind]
        events = self._begin_part(item, part)
        part.said.append(text)
        extra: dict[str, Json] = {"logprobs": []} if part.kind == "output_text" else {}
        return [*events, self.event(f"{shape.text}.delta", {**self._where(item, part), "delta": text, **extra})]

    def end_part(self, item: Item, part: Part, notes: list[Json], tokens: list[Json]) -> list[bytes]:
        """Return the events that end a text: its citations, the whole of what left of it, and its part.

        Args:
            item: The item.
            part: The part.
            notes: Citations that may leave.
            tokens: Log probabilities that may leave.
        """
        if part.value is not None:
            return []
        shape, text = SHAPES[part.kind], "".join(part.said)
        events, where = self._begin_part(item, part), self._where(item, part)
        part.value = part.shown(text, notes, tokens)
        for place, note in enumerate(notes):
            events.append(self.event(f"{shape.text}.annotation.added", {**where, "annotation_index": place, "annotation": note}))
        extra: dict[str, Json] = {"logprobs": tokens} if part.kind == "output_text" else {}
        events.append(self.event(f"{shape.text}.done", {**where, shape.field: text, **extra}))
        return [*events, self.event(f"{shape.part}.done", {**where, "part": part.value})]

    def end_item(self, item: Item, status: str = "completed") -> list[bytes]:
        """Return the events that end a message or reasoning."""
        if item.ended:
            return []
        events = [*self._begin_item(item), *(event for part in item.parts for event in self.end_part(item, part, [], []))]
        item.ended = True
        value = item.shown(status)
        self.output[item.place] = value
        return [*events, self.event("response.output_item.done", {"output_index": item.place, "item": value})]

    def whole_item(self, value: dict[str, Json]) -> list[bytes]:
        """Return the events that tell an item that leaves at once."""
        place = len(self.output)
        self.output.append(value)
        at: dict[str, Json] = {"output_index": place}
        name, field = _CALL_EVENTS.get(text_of(value.get("type")), ("", ""))
        first = {**value, field: "", "status": "in_progress"} if field else value
        events = [*self.begin(), self.event("response.output_item.added", {**at, "item": first})]
        if field:
            where = {**at, "item_id": value.get("id")}
            events.append(self.event(f"{name}.delta", {**where, "delta": value.get(field)}))
            events.append(self.event(f"{name}.done", {**where, field: value.get(field)}))
        return [*events, self.event("response.output_item.done", {**at, "item": value})]

    def message(self, text: str) -> list[bytes]:
        """Return the events of a message with one text."""
        head = message_saying(f"msg_fairlead_{len(self.output)}", "")
        item = Item({key: head[key] for key in ("id", "type", "role")})
        return [*self.say(item, item.part("output_text"), text), *self.end_item(item)]

    def _begin_item(self, item: Item) -> list[bytes]:
        if item.place >= 0:
            return []
        item.place = len(self.output)
        self.output.append(None)
        shown = item.shown("in_progress", empty=True)
        return [*self.begin(), self.event("response.output_item.added", {"output_index": item.place, "item": shown})]

    def _begin_part(self, item: Item, part: Part) -> list[bytes]:
        events = self._begin_item(item)
        if part.place < 0:
            holder = SHAPES[part.kind].holder
            part.place = sum(other.place >= 0 and SHAPES[other.kind].holder == holder for other in item.parts)
            where = self._where(item, part)
            events.append(self.event(f"{SHAPES[part.kind].part}.added", {**where, "part": part.shown("")}))
        return events

    def _where(self, item: Item, part: Part) -> dict[str, Json]:
        return {"item_id": item.head["id"], "output_index": item.place, SHAPES[part.kind].place: part.place}
