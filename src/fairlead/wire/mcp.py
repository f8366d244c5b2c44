"""The shapes of the Model Context Protocol: what a server says, taken apart into Segments.

Source: the protocol's schemas 2025-03-26, 2025-06-18, 2025-11-25 and 2026-07-28, read November 2026. ``_meta``, a server's own notes to
clients, is taken out: no model reads it, and nothing says what is in it.
"""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from fairlead.core import Segment
from fairlead.wire.document import Json
from fairlead.wire.fields import Extraction, Fields, Free, Inert, Items, Node, Tagged, Text, Unsupported, is_inert, walk
from fairlead.wire.interaction import name_results

_INERT = Inert()
_TEXT = Text("tool", "tool_result")
_FREE = Free("tool", "tool_result")
_ANNOTATIONS = Fields({"audience": Items(_INERT), "priority": _INERT, "lastModified": _INERT})
_CONTENTS = Fields({"uri": _TEXT, "mimeType": _INERT, "text": _TEXT, "blob": Unsupported()})
_MEDIA = Fields({"type": _INERT, "data": Unsupported(), "mimeType": _INERT, "annotations": _ANNOTATIONS})
_RESOURCE: Mapping[str, Node] = {
    "uri": _TEXT,
    "uriTemplate": _TEXT,
    "name": _TEXT,
    "title": _TEXT,
    "description": _TEXT,
    "mimeType": _INERT,
    "size": _INERT,
}
_CONTENT = Tagged(
    "type",
    {
        "text": Fields({"type": _INERT, "text": _TEXT, "annotations": _ANNOTATIONS}),
        "image": _MEDIA,
        "audio": _MEDIA,
        "resource_link": Fields({"type": _INERT, **_RESOURCE, "annotations": _ANNOTATIONS, "icons": _FREE}),
        "resource": Fields({"type": _INERT, "resource": _CONTENTS, "annotations": _ANNOTATIONS}),
    },
)
_RESULT = Fields({"content": Items(_CONTENT), "structuredContent": _FREE, "isError": _INERT, "resultType": _INERT})
_READ = Fields({"contents": Items(_CONTENTS), "resultType": _INERT, "ttlMs": _INERT, "cacheScope": _INERT})
_PROMPT = Fields({"description": _TEXT, "messages": Items(Fields({"role": _INERT, "content": _CONTENT})), "resultType": _INERT})
_LISTED = Fields({**_RESOURCE, "annotations": _ANNOTATIONS, "icons": _FREE, "arguments": _FREE})
_META = "_meta"


class Told(NamedTuple):
    """What a server said, and the texts in it."""

    body: dict[str, Json]
    """Decoded, without ``_meta``; may be changed in place."""
    segments: tuple[Segment, ...]
    unknown: tuple[Segment, ...]


def read_definition(body: Mapping[str, Json], tool: str) -> Told:
    """Take the definition of a tool apart: every string in it that is more than a short name is a text.

    Args:
        body: One entry of a ``tools/list`` result.
        tool: The name under which clients see it.
    """
    plain = _without_meta(body)
    out = Extraction()
    walk(Free("tool", "tool_definition"), plain, "", out, Text("tool", "tool_definition"))
    texts = [segment for segment in out.segments if segment.path == "/description" or not is_inert(segment.text)]
    return Told(plain, tuple(msgspec.structs.replace(segment, tool=tool) for segment in texts), ())


def read_call_result(body: Mapping[str, Json], tool: str, call: str, retrieval_tools: frozenset[str] = frozenset()) -> Told:
    """Take the result of a call apart.

    Args:
        body: The result of ``tools/call``.
        tool: The name under which the policy lists the tool.
        call: Id of the call.
        retrieval_tools: Tools whose results are retrieved documents.
    """
    return _read(_RESULT, body, tool, call, retrieval_tools)


def read_resource(body: Mapping[str, Json], server: str) -> Told:
    """Take the result of ``resources/read`` apart; its texts are retrieved documents."""
    return _read(_READ, body, server, "", frozenset((server,)))


def read_prompt(body: Mapping[str, Json], server: str) -> Told:
    """Take the result of ``prompts/get`` apart; a server wrote it, so its texts are retrieved documents, not a user's words."""
    return _read(_PROMPT, body, server, "", frozenset((server,)))


def read_listed(body: Mapping[str, Json], server: str) -> Told:
    """Take one entry of ``resources/list`` or ``prompts/list`` apart."""
    return _read(_LISTED, body, server, "", frozenset((server,)))


def _read(node: Node, body: Mapping[str, Json], tool: str, call: str, retrieval_tools: frozenset[str]) -> Told:
    plain = _without_meta(body)
    out = Extraction()
    walk(node, plain, "", out, _TEXT)
    known = Extraction()
    known.segments = out.unknown
    for found in (out, known):
        name_results(found, 0, tool, call, retrieval_tools)
    return Told(plain, tuple(out.segments), tuple(known.segments))


def _without_meta(body: Mapping[str, Json]) -> dict[str, Json]:
    return {key: _plain(value) for key, value in body.items() if key != _META}


def _plain(value: Json) -> Json:
    if isinstance(value, dict):
        return _without_meta(value)
    return [_plain(item) for item in value] if isinstance(value, list) else value
