"""The stream of a Response: its events as Deltas, and what may leave as events made anew.

A Response tells each text up to five times: in deltas, when the text ends, when its part ends, when its item ends, and when all ends.
Texts are read from their deltas and, where these are missing, from what ends them; all that leaves is made from what was released, so
nothing that is told again can differ. Calls and what tools gave leave whole, at the end of their item.

Shapes: OpenAI API reference, "Streaming events" of Responses (read November 2026).
"""

from collections.abc import Callable, Mapping

from fairlead.core import InvalidInput, Segment
from fairlead.wire.api import CallDelta, Chunk, Delta, Leaving, Made
from fairlead.wire.document import Json, list_of, object_of, read_object, replace_at, text_of
from fairlead.wire.fields import ECHO, KEY, Extraction, Fields, Inert, Streamed, Text, Tokens, Unsupported, is_inert, walk
from fairlead.wire.interaction import CallRef, put_arguments
from fairlead.wire.responses_body import FAILED, HEAD, REASONS, forget, response_of, stopped_response
from fairlead.wire.responses_items import RESPONSE_ITEMS, call_of, content
from fairlead.wire.responses_writer import SHAPES, Item, Part, Writer
from fairlead.wire.sse import Event

_OUTPUT = Text("model", "output")
_INERT = Inert()
_PART = content(Streamed(), _OUTPUT, Tokens("model", "output"))
_OWN = dict.fromkeys(("id", "type", "role", "status", "phase", "created_by"), _INERT)
_TEXT_ITEM = Fields({**_OWN, "encrypted_content": Unsupported()})
_HEAD = Fields({**HEAD, "error": Fields({"code": _INERT, "message": _INERT})})
_DELTAS = {f"{shape.text}.delta": kind for kind, shape in SHAPES.items()}
_PLACES = ("type", "item_id", "output_index", "content_index", "summary_index", "sequence_number", "obfuscation")
_DELTA = Fields({**dict.fromkeys(_PLACES, _INERT), "delta": Streamed()})
_PLAIN_DELTA = frozenset({*_PLACES, "delta", "logprobs"})
_PLACES_MOST = 100_000
_STATES = {"response.created": "in_progress", "response.in_progress": "in_progress", "response.queued": "queued"}
_ENDS = {"response.completed": "completed", "response.incomplete": "incomplete", "response.failed": "failed"}
_TOLD_LATER = (
    "response.content_part.added",
    "response.reasoning_summary_part.added",
    "response.output_text.done",
    "response.output_text.annotation.added",
    "response.refusal.done",
    "response.reasoning_text.done",
    "response.reasoning_summary_text.done",
    "response.function_call_arguments.",
    "response.custom_tool_call_input.",
    "response.mcp_call_arguments.",
    "response.mcp_call.",
    "response.mcp_list_tools.",
    "response.file_search_call.",
    "response.web_search_call.",
    "response.code_interpreter_call.",
    "response.code_interpreter_call_code.",
    "response.image_generation_call.",
    "response.shell_call_command.",
    "response.shell_call_output_content.",
)
"""Begin the names of events of which nothing leaves: what they tell is in what ends their part or item."""


class _Text:
    """A text of the upstream's stream, and the part of an item as which it leaves."""

    __slots__ = ("channel", "ending", "item", "part", "raw", "tokens", "told")

    def __init__(self, channel: str, item: Item, part: Part) -> None:
        self.channel = channel
        self.item = item
        self.part = part
        self.raw: list[str] = []
        self.tokens: list[Json] = []
        self.ending: dict[str, Json] | None = None
        """The part as the upstream ended it."""
        self.told: dict[str, str] = {}
        """Channels of the texts that only its end tells, and what they say."""


class ResponsesCodec:
    """Reads and writes the events of one stream.

    Args:
        made: What a response of the gateway's own making names, until the upstream's first event came.
    """

    needs_end = True
    stopped = "content_filter"

    def __init__(self, made: Made) -> None:
        self._writer = Writer({"id": made.exchange, "model": made.model})
        self._items: dict[int, Item] = {}
        self._texts: dict[str, _Text] = {}
        self._wholes: dict[int, tuple[dict[str, Json], dict[str, str]]] = {}
        self._ended: set[int] = set()
        self._known: set[str] = set()
        self._left: dict[str, str] = {}
        self._finish = ""
        self._reason = ""
        self._readers: Mapping[str, Callable[[dict[str, Json]], Chunk]] = {
            **dict.fromkeys(_DELTAS, self._delta),
            **dict.fromkeys(_STATES, _state),
            **dict.fromkeys(_ENDS, self._end),
            "response.output_item.added": self._item_added,
            "response.output_item.done": self._item_done,
            "response.content_part.done": self._part_done,
            "response.reasoning_summary_part.done": self._part_done,
        }

    def read(self, event: Event) -> Chunk:
        """Take an event apart."""
        if event.data == b"[DONE]":
            return Chunk({}, ended=True)
        body = read_object(event.data)
        kind = body.get("type")
        if not isinstance(kind, str) or kind == "error":
            mend = "check that the upstream speaks the Responses API"
            raise InvalidInput("the upstream's stream holds an error, or what is no event", where="/type", mend=mend)
        reader = self._readers.get(kind)
        if reader is not None:
            return reader(body)
        return Chunk(body, unknown=() if kind.startswith(_TOLD_LATER) else _unknown(Unsupported(), body, "event"))

    def accept(self, chunk: Chunk) -> list[bytes]:
        """Take over what a response tells of itself; the events that begin it leave at once."""
        kind = text_of(chunk.body.get("type"))
        if kind not in _STATES and kind not in _ENDS:
            return []
        told = object_of(chunk.body.get("response"))
        self._writer.head.update({key: told[key] for key in HEAD if key in told})
        return [self._writer.state(kind, _STATES[kind])] if kind in _STATES else []

    def write(self, leaving: Leaving) -> list[bytes]:
        """Return the events that tell what may leave."""
        events: list[bytes] = []
        for channel, text in leaving.texts.items():
            here = self._texts.get(channel)
            if here is None:
                self._left[channel] = self._left.get(channel, "") + text
            else:
                events += self._writer.say(here.item, here.part, text)
        for channel in leaving.closed:
            here = self._texts.get(channel)
            if here is not None:
                events += self._writer.end_part(here.item, here.part, *self._beside(here))
        calls, said = dict(leaving.calls), dict(leaving.said)
        for index in leaving.ends:
            events += self._end_item(index, calls.get(index), said.get(index, ""))
        if leaving.finish:
            events += self._close(leaving.finish)
        return events

    def say(self, text: str) -> bytes:
        """Return the events of a stream that says one text, stopped by the policy."""
        self._close(self.stopped)
        return b"".join([*self._writer.message(text), self.end()])

    def path(self, choice: int, channel: str) -> str:  # noqa: ARG002 - this API knows one choice only
        """Return the pointer that a channel's text has in a whole response."""
        return f"/{channel}"

    def call_path(self, choice: int, position: int) -> str:  # noqa: ARG002 - as above
        """Return the pointer that a call's arguments have in a whole response."""
        call = call_of(self._wholes[position][0], f"/output/{position}")
        return f"/output/{position}" if call is None else call.path

    def end(self) -> bytes:
        """Return the event that ends a stream: it says whether all is well."""
        writer, finish = self._writer, self._finish
        events = writer.begin()
        response = response_of({**writer.head, "status": "completed"}, writer.output)
        if finish == "completed":
            return b"".join([*events, writer.event("response.completed", {"response": response})])
        if finish == "failed":
            failed = {**response, "status": "failed", "error": dict(FAILED)}
            return b"".join([*events, writer.event("response.failed", {"response": failed})])
        reason = self.stopped if finish == self.stopped else self._reason
        return b"".join([*events, writer.event("response.incomplete", {"response": stopped_response(response, reason)})])

    def failure(self, code: str, message: str) -> bytes:
        """Return the event that ends a stream before its time."""
        return self._writer.event("error", {"code": code, "message": message, "param": None})

    def _delta(self, body: dict[str, Json]) -> Chunk:
        kind = _DELTAS[text_of(body["type"])]
        here = self._text(_place(body, "output_index"), kind, _place(body, SHAPES[kind].place))
        text, tokens = body.get("delta"), body.get("logprobs")
        if isinstance(tokens, list):
            here.tokens += tokens
        unknown: tuple[Segment, ...] = ()
        if not isinstance(text, str) or not _PLAIN_DELTA.issuperset(body) or not isinstance(tokens, list | None):
            unknown = _unknown(_DELTA, {key: value for key, value in body.items() if value is not tokens or key != "logprobs"}, "event")
        told = text_of(text)
        if not told:
            return Chunk(body, unknown=unknown)
        here.raw.append(told)
        return Chunk(body, (Delta(0, ((here.channel, told),)),), unknown)

    def _item_added(self, body: dict[str, Json]) -> Chunk:
        item = object_of(body.get("item"))
        kind = text_of(item.get("type"))
        if kind not in RESPONSE_ITEMS:
            return Chunk(body, unknown=_unknown(Unsupported(), item, "item"))
        if kind in ("message", "reasoning"):
            self._item(_place(body, "output_index"), item)
        return Chunk(body)

    def _item_done(self, body: dict[str, Json]) -> Chunk:
        index = _place(body, "output_index")
        delta, unknown = self._done(index, object_of(body.get("item")))
        return Chunk(body, (delta,), unknown)

    def _part_done(self, body: dict[str, Json]) -> Chunk:
        value = object_of(body.get("part"))
        kind = text_of(value.get("type"))
        if kind not in SHAPES:
            return Chunk(body, unknown=_unknown(Unsupported(), value, "part"))
        texts, closed, unknown = self._end_text(self._text(_place(body, "output_index"), kind, _place(body, SHAPES[kind].place)), value)
        return Chunk(body, (Delta(0, texts, closed=closed),) if closed else (), unknown)

    def _end(self, body: dict[str, Json]) -> Chunk:
        """Read the last event: what no event told before is told now."""
        response = object_of(body.get("response"))
        output = list_of(response.get("output"))
        unknown = _read_head(response)
        reason = text_of(object_of(response.get("incomplete_details")).get("reason"))
        self._reason = reason if reason in REASONS else ""
        deltas: list[Delta] = []
        for index, value in enumerate(output):
            item = object_of(value)
            # Some servers number the items of the stream otherwise than those of the whole.
            if index not in self._ended and text_of(item.get("id")) not in self._known:
                delta, strange = self._done(index, item)
                deltas.append(delta)
                unknown += strange
        return Chunk(body, (*deltas, Delta(0, finish=_ENDS[text_of(body["type"])])), unknown, ended=True)

    def _done(self, index: int, item: dict[str, Json]) -> tuple[Delta, tuple[Segment, ...]]:
        """Read an item that has ended."""
        kind = text_of(item.get("type"))
        self._known |= {text_of(item.get("id"))} - {""}
        if kind in ("message", "reasoning"):
            return self._text_done(index, item)
        self._ended.add(index)
        if kind not in RESPONSE_ITEMS:
            return Delta(0), _unknown(Unsupported(), item, f"output/{index}")
        out = Extraction()
        base = f"output/{index}"
        walk(RESPONSE_ITEMS[kind], item, base, out, _OUTPUT)
        told = {segment.path: segment.text for segment in out.segments if segment.stage != "tool_call"}
        self._wholes[index] = item, told
        call = call_of(item, f"/{base}")
        calls = () if call is None else (CallDelta(index, call.call, call.tool, call.arguments),)
        return Delta(0, tuple(told.items()), calls, closed=tuple(told), ends=(index,)), tuple(out.unknown)

    def _text_done(self, index: int, item: dict[str, Json]) -> tuple[Delta, tuple[Segment, ...]]:
        here = self._item(index, item)
        own = {key: value for key, value in item.items() if key not in ("content", "summary")}
        unknown = _unknown(_TEXT_ITEM, own, f"output/{index}")
        if item.get("encrypted_content") is not None:
            here.head["encrypted_content"] = item["encrypted_content"]
        texts: list[tuple[str, str]] = []
        closed: list[str] = []
        for holder in ("summary", "content"):
            for place, part in enumerate(list_of(item.get(holder))):
                value = object_of(part)
                kind = text_of(value.get("type"))
                if kind not in SHAPES or SHAPES[kind].holder != holder:
                    unknown += _unknown(Unsupported(), value, f"output/{index}/{holder}/{place}")
                    continue
                rest, ended, strange = self._end_text(self._text(index, kind, place), value)
                texts += rest
                closed += ended
                unknown += strange
        self._ended.add(index)
        open_texts = (text.channel for text in self._texts.values() if text.item is here and text.ending is None)
        return Delta(0, tuple(texts), closed=(*closed, *open_texts), ends=(index,)), unknown

    def _end_text(self, here: _Text, value: dict[str, Json]) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...], tuple[Segment, ...]]:
        """Read the end of a text: what of it was not told, what is told beside it, and what is unknown in it."""
        if here.ending is not None:
            return (), (), ()
        kind = here.part.kind
        ending = {**value, "logprobs": list_of(value.get("logprobs")) or here.tokens} if kind == "output_text" else dict(value)
        here.ending = ending
        whole, told = text_of(value.get(SHAPES[kind].field)), "".join(here.raw)
        rest = whole.removeprefix(told) if whole.startswith(told) else ""
        out = Extraction()
        base = here.channel.rpartition("/")[0]
        walk(_PART, ending, base, out, _OUTPUT)
        here.told = {segment.path: segment.text for segment in out.segments}
        texts = ((here.channel, rest), *here.told.items()) if rest else tuple(here.told.items())
        if rest:
            here.raw.append(rest)
        return texts, (here.channel, *here.told), tuple(out.unknown)

    def _beside(self, here: _Text) -> tuple[list[Json], list[Json]]:
        """Return the citations and log probabilities of a text that has ended, as they may leave."""
        ending = here.ending
        if ending is None:
            return [], []
        left = {channel: self._left.pop(channel, "") for channel in here.told}
        base = here.channel.rpartition("/")[0]
        for channel, text in left.items():
            if ECHO not in channel and text != here.told[channel]:
                replace_at(ending, channel.removeprefix(base), text)
        same = "".join(here.raw) == "".join(here.part.said)
        same = same and all(text == here.told[channel] for channel, text in left.items() if ECHO in channel)
        return list_of(ending.get("annotations")), list_of(ending.get("logprobs")) if same else []

    def _end_item(self, index: int, called: CallRef | None, said: str) -> list[bytes]:
        value, told = self._wholes.pop(index, ({}, {}))
        if said:
            return self._writer.message(said)
        if not value:
            item = self._items.get(index)
            return [] if item is None else self._writer.end_item(item)
        asked = call_of(value, "")
        if asked is not None:
            if called is None:
                return []
            if called.arguments != asked.arguments:
                put_arguments(value, asked, called.arguments)
        left = {channel: self._left.pop(channel, "") for channel in told}
        for channel, text in left.items():
            if text == told[channel]:
                continue
            if channel.endswith(KEY) or ECHO in channel:
                # A key can't be rewritten without changing what the object says.
                return self._writer.message("A part of this answer was stopped by the policy.")
            replace_at(value, channel.removeprefix(f"output/{index}"), text)
        return self._writer.whole_item(value)

    def _close(self, finish: str) -> list[bytes]:
        self._finish = finish
        status = "incomplete" if finish == self.stopped else "completed"
        begun = [item for item in self._items.values() if item.place >= 0]
        return [event for item in begun for event in self._writer.end_item(item, status)]

    def _item(self, index: int, told: dict[str, Json]) -> Item:
        """Return the message or reasoning at a place, new if there was none."""
        here = self._items.get(index)
        if here is None:
            kind = "reasoning" if told.get("type") == "reasoning" else "message"
            identity, phase = text_of(told.get("id")), text_of(told.get("phase"))
            made = f"{'rs' if kind == 'reasoning' else 'msg'}_fairlead_{index}"
            head: dict[str, Json] = {"id": identity if identity and is_inert(identity) else made, "type": kind}
            head.update({"role": "assistant"} if kind == "message" else {})
            head.update({"phase": phase} if phase in ("commentary", "final_answer") else {})
            here = self._items[index] = Item(head)
        return here

    def _text(self, index: int, kind: str, place: int) -> _Text:
        shape = SHAPES[kind]
        channel = f"output/{index}/{shape.holder}/{place}/{shape.field}"
        here = self._texts.get(channel)
        if here is None:
            if index in self._ended:
                raise InvalidInput("an item of the stream goes on after its end", where="/output_index", mend="check the upstream")
            item = self._item(index, {"type": "reasoning" if kind in ("reasoning_text", "summary_text") else "message"})
            here = self._texts[channel] = _Text(channel, item, item.part(kind))
        return here


def _state(body: dict[str, Json]) -> Chunk:
    return Chunk(body, unknown=_read_head(object_of(body.get("response"))))


def _read_head(response: dict[str, Json]) -> tuple[Segment, ...]:
    """Drop what a response only repeats, in place; return what is unknown in it. Its output is read elsewhere."""
    forget(response)
    return _unknown(_HEAD, {key: value for key, value in response.items() if key != "output"}, "response")


def _unknown(node: Fields | Unsupported, value: Json, path: str) -> tuple[Segment, ...]:
    """Return what is unknown in a value; a sentence in an inert field has no channel in which it could be guarded, so it is unknown too."""
    out = Extraction()
    walk(node, value, f"/{path}", out, _OUTPUT)
    return (*out.unknown, *out.segments)


def _place(body: dict[str, Json], key: str) -> int:
    """Return a place; one that no answer has is the first: it stands in records, and a long number may be somebody's."""
    value = body.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _PLACES_MOST else 0
