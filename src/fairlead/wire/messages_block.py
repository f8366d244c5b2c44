"""One content block of a streamed Anthropic Message: what flows through it, and what waits for its end."""

from collections.abc import Mapping

import msgspec

from fairlead.wire.api import CallDelta, Delta
from fairlead.wire.document import Json, list_of, replace_at, text_of
from fairlead.wire.fields import KEY, Extraction, Node, walk
from fairlead.wire.messages_shapes import CALLS, RESPONSE_BLOCKS, RESPONSE_UNKNOWN, STREAMS


class Held:
    """A part of the answer that leaves when all that it says was guarded.

    Args:
        body: The part.
        node: Its grammar.
        path: Where it stands in a whole response.
    """

    __slots__ = ("_path", "body", "told")

    def __init__(self, body: dict[str, Json], node: Node, path: str) -> None:
        self.body = body
        self._path = path
        out = Extraction()
        walk(node, body, path, out, RESPONSE_UNKNOWN)
        self.told: dict[str, str] = {
            segment.path: segment.text for segment in out.segments if segment.text and segment.stage != "tool_call"
        }
        """Channel and text of all that it says."""

    def put(self, texts: Mapping[str, str]) -> bool:
        """Put in what the policy left; False when that can't be done, since a key can't be rewritten."""
        for channel, text in self.told.items():
            left = texts.get(channel, "")
            if left != text:
                if channel.endswith(KEY):
                    return False
                replace_at(self.body, channel.removeprefix(self._path), left)
        return True


class Block:
    """A content block that has started.

    Args:
        place: Which block of the message it is, counted from 0 by their starts.
        body: As its start gave it.
    """

    __slots__ = ("body", "channel", "delta", "field", "given", "held", "kind", "left", "number", "place", "read", "signature")

    def __init__(self, place: int, body: dict[str, Json]) -> None:
        self.place = place
        self.body = body
        self.kind = text_of(body.get("type"))
        streams = STREAMS.get(self.kind)
        self.delta, self.field = streams or (("input_json_delta", "partial_json") if self.kind in CALLS else ("", ""))
        self.channel = f"/content/{place}/{self.field}" if streams else ""
        self.given = False
        """Whether a call has arguments yet."""
        self.held: Held | None = None
        self.number = -1
        """Number under which the client knows it; -1 while nothing of it has left."""
        self.read: list[str] = []
        self.left: list[str] = []
        self.signature = ""

    def begin(self) -> Delta:
        """Return what its start gives."""
        if self.kind in CALLS:
            given, self.body["input"] = self.body.get("input"), {}
            call = CallDelta(self.place, text_of(self.body.get("id")), text_of(self.body.get("name")), "")
            return self.go_on(msgspec.json.encode(given).decode() if given else "", call)
        if not self.channel:
            return Delta(0)
        self.signature = text_of(self.body.get("signature"))
        given, self.body[self.field] = text_of(self.body.get(self.field)), ""
        return self.go_on(given)

    def go_on(self, text: str, call: CallDelta | None = None) -> Delta:
        """Return what more of its text, or of a call's arguments, gives."""
        if self.channel:
            self.read.append(text)
            return Delta(0, ((self.channel, text),) if text else ())
        self.given = self.given or bool(text)
        made = call or CallDelta(self.place, "", "", "")
        return Delta(0, calls=(made._replace(arguments=text),))

    def add(self, kind: Json, delta: dict[str, Json]) -> None:
        """Keep what waits for its end."""
        if self.kind == "thinking" and kind == "signature_delta":
            self.signature += text_of(delta.get("signature"))
        elif self.kind == "text" and kind == "citations_delta":
            self.body["citations"] = [*list_of(self.body.get("citations")), delta.get("citation")]

    def citations(self) -> list[dict[str, Json]]:
        """Return its citations; what is none does not leave."""
        return [citation for citation in list_of(self.body.get("citations")) if isinstance(citation, dict)]

    def end(self) -> Delta:
        """Return what is left to be guarded now that it ends; nothing of a block that is unknown, which never leaves."""
        if self.kind == "thinking":
            self.body["signature"] = self.signature
        if self.kind in RESPONSE_BLOCKS.kinds:
            self.held = Held(self.body, RESPONSE_BLOCKS, f"/content/{self.place}")
        told = self.held.told if self.held is not None else {}
        # A tool without parameters may be called with no fragment at all: that is an empty object.
        calls = (CallDelta(self.place, "", "", "{}"),) if self.kind in CALLS and not self.given else ()
        return Delta(0, tuple(told.items()), calls, closed=(*((self.channel,) if self.channel else ()), *told), ends=(self.place,))

    def sealed(self) -> bool:
        """Tell whether its signature still fits: nothing that it signs was edited, nor the signature itself."""
        return self.body.get("signature") == self.signature and "".join(self.read) == "".join(self.left)
