"""The part of Chat Completions that the crash-test model understands; the rest of a request is ignored, as a gullible server would."""

from typing import TypeAlias

import msgspec

Json: TypeAlias = str | int | float | bool | list[object] | dict[str, object] | None


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a message's content; only text is read."""

    type: str = "text"
    text: str = ""


class Function(msgspec.Struct, frozen=True, kw_only=True):
    """Name and arguments (raw JSON) of a tool call."""

    name: str = ""
    arguments: str = ""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A tool call, asked for earlier or now."""

    id: str = ""
    type: str = "function"
    function: Function = Function()


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message of the conversation."""

    role: str
    content: str | list[Part] | None = None
    tool_calls: list[Call] | None = None
    tool_call_id: str = ""

    def text(self) -> str:
        """Return the message's text, its parts joined by line ends."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text for part in self.content or () if part.text)


class ToolFunction(msgspec.Struct, frozen=True, kw_only=True):
    """Name and parameters of a tool on offer."""

    name: str
    description: str = ""
    parameters: dict[str, object] = {}

    def properties(self) -> tuple[str, ...]:
        """Return the names of its parameters."""
        found = self.parameters.get("properties")
        return tuple(str(name) for name in found) if isinstance(found, dict) else ()


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool on offer."""

    function: ToolFunction
    type: str = "function"


class StreamOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a stream should hold besides the text."""

    include_usage: bool = False


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request to ``/v1/chat/completions``."""

    messages: list[Message]
    model: str = "crash-test"
    tools: list[Tool] | None = None
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: int | None = 1


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """What the model says or does next: a text, or tool calls."""

    text: str = ""
    calls: tuple[Call, ...] = ()
