"""One API's requests to another's, and the answers back: what a client of OpenAI's needs to be answered by a model of Anthropic's.

The guard looks at the client's own shape, before a request is translated and after an answer was: what has no place in that shape does
not reach the client. What a request asks for, and the other API can't give, is refused; it is never left out in silence.
"""

from collections.abc import Mapping
from typing import Protocol

from fairlead.core import InvalidInput
from fairlead.wire.document import Json
from fairlead.wire.sse import Event, EventReader

IMAGE_URL = "data:{};base64,{}"


class Translation(Protocol):
    """From one API to one other."""

    @property
    def path(self) -> str:
        """The other API's path below an upstream's base URL."""
        ...

    def request(self, body: dict[str, Json]) -> dict[str, Json]:
        """Return a guarded request in the other API's shape; the given one stays as it is.

        Raises:
            InvalidInput: It asks for what the other API does not have.
        """
        ...

    def reply(self, data: bytes) -> bytes:
        """Return an answer of the other API in the client's shape.

        Raises:
            InvalidInput: It is not of the other API's shape.
        """
        ...

    def reader(self) -> EventReader:
        """Return what reads a stream of the other API as events of the client's."""
        ...


class TranslatedReader(EventReader):
    """Reads the events of one API as those of another.

    Raises:
        InvalidInput: An event is not of its shape, or the stream breaks off.
    """

    __slots__ = ("_translator",)

    def __init__(self, translator: "EventTranslator") -> None:
        super().__init__()
        self._translator = translator

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that these bytes complete, translated."""
        return [told for event in super().feed(data) for told in self._translator.take(event)]

    def close(self) -> list[Event]:
        """Return what an upstream left that forgot the last blank line, and what the client's API says at an end."""
        rest = [told for event in super().close() for told in self._translator.take(event)]
        return [*rest, *self._translator.close()]


class EventTranslator(Protocol):
    """Translates the events of one stream, and keeps what must be remembered between them."""

    def take(self, event: Event) -> list[Event]:
        """Return what an event is in the other API."""
        ...

    def close(self) -> list[Event]:
        """Return what is left to be said when no event comes any more."""
        ...


def cannot(what: str, where: str, mend: str = "leave it out, or ask an upstream that speaks the API itself") -> InvalidInput:
    """Return the refusal of what can't be translated."""
    return InvalidInput(f"{what} can't be translated for the model's server", where=where, mend=mend)


def require_known(body: Mapping[str, Json], known: frozenset[str], where: str = "") -> None:
    """Refuse a field that says something and that nobody translates.

    Args:
        body: An object of the request.
        known: Fields that are translated, or that change nothing in an answer.
        where: Its JSON pointer.

    Raises:
        InvalidInput: There is another one that is set.
    """
    # Names only: a key that a client made up may be a text.
    extra = next((place for place, (key, value) in enumerate(body.items()) if key not in known and value not in (None, False, [], {})), -1)
    if extra >= 0:
        name = list(body)[extra]
        told = name if name.isascii() and name.replace("_", "").isalpha() and len(name) <= _LONGEST else f"#{extra}"
        raise cannot("this field", f"{where}/{told}")


_LONGEST = 32
