"""What every API is to the gateway: a grammar for whole bodies, a codec for streams, and the shapes of what the gateway says itself.

The gateway knows these types only; each API is one object that implements :class:`Api`. A stream is the same for all of them: events
in, :class:`Delta` s to guard, :class:`Leaving` s to write.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple, Protocol

from fairlead.core import Segment
from fairlead.wire.document import Json
from fairlead.wire.interaction import CallRef, Interaction, Reply
from fairlead.wire.sse import Event

Provider = Literal["openai", "anthropic"]
"""Whose API a model's server speaks; servers that are compatible count."""


class Made(NamedTuple):
    """What a body of the gateway's own making names."""

    exchange: str
    model: str


class CallDelta(NamedTuple):
    """What one event adds to one tool call."""

    position: int
    """Which call of the choice, or which block or item it is."""
    call: str
    tool: str
    arguments: str


class Delta(NamedTuple):
    """What one event adds to one choice."""

    choice: int
    texts: tuple[tuple[str, str], ...] = ()
    """Channel and text; each channel is a text of its own, guarded apart."""
    calls: tuple[CallDelta, ...] = ()
    role: str = ""
    finish: str = ""
    """Finish reason; empty while the choice goes on."""
    closed: tuple[str, ...] = ()
    """Channels that end with this event: nothing of them is held any longer."""
    ends: tuple[int, ...] = ()
    """Blocks or items that end with this event; a tool call among them is decided now."""


class Chunk(NamedTuple):
    """One event, taken apart."""

    body: dict[str, Json]
    """The decoded event, for its other fields."""
    deltas: tuple[Delta, ...] = ()
    unknown: tuple[Segment, ...] = ()
    ended: bool = False
    """True for the API's end marker."""


class Leaving(NamedTuple):
    """What of one :class:`Delta` may leave, and how its choice goes on."""

    choice: int
    role: str = ""
    texts: Mapping[str, str] = {}
    """Channel and text, as the policy leaves it."""
    closed: tuple[str, ...] = ()
    ends: tuple[int, ...] = ()
    calls: tuple[tuple[int, CallRef], ...] = ()
    """Tool calls that may be made, whole, with their positions."""
    said: tuple[tuple[int, str], ...] = ()
    """What is said instead of tool calls that may not be made."""
    finish: str = ""


class Codec(Protocol):
    """Reads the events of one stream and writes those that leave; keeps what must be remembered between them."""

    @property
    def needs_end(self) -> bool:
        """Whether a stream that forgets its end marker broke off; some servers of an API are known to forget it."""
        ...

    @property
    def stopped(self) -> str:
        """The finish reason of a choice that the policy ended."""
        ...

    def read(self, event: Event) -> Chunk:
        """Take an event apart.

        Raises:
            InvalidInput: It is not of the API's shape, or says that the upstream failed.
        """
        ...

    def accept(self, chunk: Chunk) -> list[bytes]:
        """Take over what stands beside the choices of a chunk that may pass; return what leaves at once."""
        ...

    def write(self, leaving: Leaving) -> list[bytes]:
        """Return the events that tell this."""
        ...

    def path(self, choice: int, channel: str) -> str:
        """Return the pointer that a channel's text has in a whole response."""
        ...

    def call_path(self, choice: int, position: int) -> str:
        """Return the pointer that a call's arguments have in a whole response."""
        ...

    def end(self) -> bytes:
        """Return the end marker: it says that all is well."""
        ...

    def failure(self, code: str, message: str) -> bytes:
        """Return the event that ends a stream before its time."""
        ...


class Api(Protocol):
    """One API."""

    @property
    def name(self) -> str:
        """What records call it."""
        ...

    @property
    def provider(self) -> Provider:
        """Who speaks it."""
        ...

    @property
    def path(self) -> str:
        """Path below an upstream's base URL, such as ``/chat/completions``."""
        ...

    def read_request(self, data: bytes, retrieval_tools: frozenset[str] = frozenset()) -> Interaction:
        """Take a request apart.

        Args:
            data: The body as it came.
            retrieval_tools: Tools whose results are retrieved documents.

        Raises:
            InvalidInput: Not JSON, not of the API's shape, or an extension that raises trust.
        """
        ...

    def read_reply(self, data: bytes) -> Reply:
        """Take a response that is not a stream apart.

        Raises:
            InvalidInput: Not JSON, or not of the API's shape.
        """
        ...

    def settle_calls(self, reply: Reply, said: Mapping[int, str]) -> None:
        """Take tool calls out of a reply, in place.

        Args:
            reply: The reply.
            said: Place of each call in :attr:`Reply.calls` that may not be made, and what is said instead.
        """
        ...

    def whole(self, made: Made, text: str, count: int = 1) -> bytes:
        """Return a response of the gateway's own making: stopped by the policy, with this text in each choice."""
        ...

    def streamed(self, made: Made, text: str) -> bytes:
        """Return the same as a whole stream."""
        ...

    def codec(self, made: Made) -> Codec:
        """Return the codec of one stream."""
        ...

    def error(self, status: int, code: str, message: str) -> bytes:
        """Return the body of an error in the API's shape."""
        ...
