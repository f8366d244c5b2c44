"""How many tokens a model's server says that it counted.

Shapes: OpenAI's API reference (``usage`` of Chat Completions, Embeddings and Responses) and Anthropic's (``usage`` of Messages, where
tokens written to or read from a cache are beside ``input_tokens``), read November 2026.
"""

from typing import NamedTuple

from fairlead.wire.document import Json

MOST = 2**40
"""A larger number is no count of tokens."""
_CACHED = ("cache_creation_input_tokens", "cache_read_input_tokens")


class Usage(NamedTuple):
    """Tokens that were read and written."""

    read: int
    written: int


def usage_of(body: dict[str, Json]) -> Usage | None:
    """Return the usage that a response or an event of a stream reports; None when it reports none.

    Args:
        body: Decoded; an event may hold its report in ``response`` or ``message``.
    """
    for holder in (body, body.get("response"), body.get("message")):
        usage = holder.get("usage") if isinstance(holder, dict) else None
        if isinstance(usage, dict):
            read = _count(usage.get("prompt_tokens")) or _count(usage.get("input_tokens"))
            read += sum(_count(usage.get(name)) for name in _CACHED)
            written = _count(usage.get("completion_tokens")) or _count(usage.get("output_tokens"))
            return Usage(read, written) if read or written else None
    return None


def larger(one: Usage | None, other: Usage | None) -> Usage | None:
    """Return the larger of two reports, field by field: those of a stream only grow."""
    if other is None or one is None:
        return other or one
    return Usage(max(one.read, other.read), max(one.written, other.written))


def _count(value: Json) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST else 0
