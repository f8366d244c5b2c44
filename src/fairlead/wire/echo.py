"""Log probabilities of a stream: they tell a text again, so they wait for its end, and go when it was edited."""

from collections.abc import Mapping

from fairlead.wire.api import Delta
from fairlead.wire.document import Json, object_of
from fairlead.wire.fields import Extraction, Node, Text, walk


class Echo:
    """What tells the texts of one choice or part again.

    Args:
        node: Its grammar.
        channel: Begins the channels under which what it tells is guarded.
    """

    __slots__ = ("_channel", "_left", "_node", "_read", "_told", "value")

    def __init__(self, node: Node, channel: str) -> None:
        self._node = node
        self._channel = channel
        self._read: list[str] = []
        self._left: list[str] = []
        self._told: dict[str, str] = {}
        self.value: Json = None
        """All of it so far, joined."""

    def add(self, value: Json) -> None:
        """Take what one event tells."""
        self.value = _joined(self.value, value)

    def read(self, texts: tuple[tuple[str, str], ...]) -> None:
        """Remember texts that the upstream sent."""
        self._read += (text for _, text in texts)

    def left(self, texts: Mapping[str, str]) -> dict[str, str]:
        """Remember texts that left, and return them without what the echo tells."""
        own = {channel: text for channel, text in texts.items() if channel not in self._told}
        self._left += own.values()
        return own

    def told(self, delta: Delta) -> Delta:
        """Return the delta that ends the text, with what the echo tells as texts of their own."""
        out = Extraction()
        walk(self._node, self.value, self._channel, out, Text("model", "output"))
        self._told = {segment.path: segment.text for segment in out.segments}
        return delta._replace(texts=(*delta.texts, *self._told.items()), closed=(*delta.closed, *self._told))

    def holds(self, texts: Mapping[str, str]) -> bool:
        """Tell whether the echo may leave: all that it tells was looked at, and nothing was changed."""
        looked_at = bool(self._told) and all(texts.get(channel, "") == text for channel, text in self._told.items())
        return looked_at and "".join(self._read) == "".join(self._left)


def _joined(before: Json, value: Json) -> Json:
    if isinstance(before, list) and isinstance(value, list):
        return [*before, *value]
    if isinstance(before, dict):
        record = object_of(value)
        return {key: _joined(before.get(key), record.get(key)) for key in {**before, **record}}
    return value if value is not None else before
