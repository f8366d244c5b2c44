"""Log probabilities: a text told again, token by token, with the alternatives that were not taken.

Shape: OpenAI API reference, ``logprobs`` of a choice and of an output text (read November 2026). Both tokens and ``bytes`` carry the text.
"""

from fairlead.wire.document import Json

_ENTRY = frozenset({"token", "logprob", "bytes", "top_logprobs"})


def texts_told(entries: list[Json]) -> tuple[str, ...] | None:
    """Return the texts that a list of log probabilities tells: the tokens, the bytes, and the alternatives of each rank.

    Args:
        entries: The list, decoded.

    Returns:
        Each text once, the longest reading first; None when the list is not of the API's shape.
    """
    told: list[list[str]] = [[]]
    raw = bytearray()
    for entry in entries:
        read = _entry(entry)
        if read is None:
            return None
        alternatives = entry.get("top_logprobs") if isinstance(entry, dict) else None
        told[0].append(read[0])
        raw += read[1]
        for rank, alternative in enumerate(alternatives if isinstance(alternatives, list) else (), start=1):
            other = _entry(alternative)
            if other is None:
                return None
            if rank == len(told):
                told.append([])
            told[rank] += (other[0], *(() if other[1] == other[0].encode("utf-8", "replace") else (other[1].decode("utf-8", "replace"),)))
    texts = ["".join(parts) for parts in told]
    return tuple(dict.fromkeys((*texts, raw.decode("utf-8", "replace"))))


def _entry(value: Json) -> tuple[str, bytes] | None:
    """Return token and bytes of one entry; None when it is none."""
    if not isinstance(value, dict) or not _ENTRY.issuperset(value):
        return None
    token, raw, logprob, others = value.get("token"), value.get("bytes"), value.get("logprob"), value.get("top_logprobs")
    if not isinstance(token, str) or not isinstance(logprob, int | float | None) or not isinstance(others, list | None):
        return None
    if raw is None:
        return token, token.encode("utf-8", "replace")
    numbers = [number for number in raw if isinstance(number, int) and 0 <= number < 256] if isinstance(raw, list) else []
    return (token, bytes(numbers)) if isinstance(raw, list) and len(numbers) == len(raw) else None
