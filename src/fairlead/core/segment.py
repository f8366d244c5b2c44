"""Segment, Origin and Stage: which text, where it came from, where the guard looks at it."""

from collections.abc import Mapping
from typing import Literal, get_args

import msgspec

Origin = Literal["system", "developer", "user", "retrieved", "tool", "memory", "agent", "model"]
"""Who wrote a text. ``retrieved`` and ``tool`` are data: an imperative in them is an attack, not a request."""

Stage = Literal["input", "retrieval", "tool_definition", "tool_call", "tool_result", "memory", "handoff", "output"]
"""Where the guard looks."""

ORIGINS: tuple[Origin, ...] = get_args(Origin)
STAGES: tuple[Stage, ...] = get_args(Stage)

USUAL_ORIGIN: Mapping[Stage, Origin] = {
    "input": "user",
    "retrieval": "retrieved",
    "tool_definition": "developer",
    "tool_call": "model",
    "tool_result": "tool",
    "memory": "memory",
    "handoff": "agent",
    "output": "model",
}
"""Who wrote a text at a Stage, where nobody says."""

UNTRUSTED: frozenset[Origin] = frozenset({"retrieved", "tool", "memory", "agent"})
"""Origins that an outsider can write to."""


class Metadata(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is known of a retrieved document beside its text. It is the index that says so, never the document."""

    source: str = ""
    """Name of the collection or site that it is from."""
    tenant: str = ""
    """Whose it is."""
    readers: tuple[str, ...] = ()
    """Users and groups who may read it; ``*`` for everybody."""
    updated_at: str = ""
    """When it was last changed, ISO 8601; UTC when it names no zone."""


class Segment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One text-bearing field of an Interaction."""

    path: str
    """JSON pointer into the request or response, such as ``/messages/1/content``."""
    origin: Origin
    """Who wrote the text."""
    stage: Stage
    """Where the guard looks at it."""
    text: str
    """The text itself; never logged, never part of an error."""
    tool: str = ""
    """For tool calls, results and definitions: the tool's name as the wire gave it."""
    call: str = ""
    """For tool calls and results: the id that links them, as the wire gave it."""
    metadata: Metadata | None = None
    """For retrieved documents: what the index says of it."""


MediaKind = Literal["image", "audio"]
"""What may carry a text that is not written in characters."""


class MediaSegment(Segment, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An image or a recording of an Interaction; its :attr:`text` is the base64 or data URL that stands in the wire."""

    kind: MediaKind

    @property
    def encoded(self) -> str:
        """The base64 alone."""
        return self.text.partition(",")[2] if self.text.startswith("data:") else self.text
