"""API shapes to Segments and back: pure, shared by gateway, SDK, evals and replay."""

from fairlead.wire.chat import (
    TRAJECTORY,
    CallRef,
    ChatRequest,
    ChatResponse,
    Extension,
    calls_of,
    encode,
    put_text,
    read_request,
    read_response,
)
from fairlead.wire.chunk import CallDelta, ChatChunk, ChunkReader, Delta
from fairlead.wire.fields import KEY, Json
from fairlead.wire.sse import DONE, Event, EventReader, encode_event

__all__ = [
    "DONE",
    "KEY",
    "TRAJECTORY",
    "CallDelta",
    "CallRef",
    "ChatChunk",
    "ChatRequest",
    "ChatResponse",
    "ChunkReader",
    "Delta",
    "Event",
    "EventReader",
    "Extension",
    "Json",
    "calls_of",
    "encode",
    "encode_event",
    "put_text",
    "read_request",
    "read_response",
]
