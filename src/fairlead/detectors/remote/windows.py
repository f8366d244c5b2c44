"""Long texts, cut into pieces that overlap: nothing is left out in silence."""

MAX_WINDOWS = 64
"""Pieces of one text at most: what is longer is not looked at, and recorded as errored."""


def windows(length: int, size: int) -> list[tuple[int, int]]:
    """Return start and end of each piece of a text, in characters; none when it would take more than :data:`MAX_WINDOWS`.

    Neighbours share an eighth, so that what a short attack says stands whole in one of them.

    Args:
        length: Of the text.
        size: Of a piece at most; 0 for the whole text.
    """
    if size <= 0 or length <= size:
        return [(0, length)]
    step = max(1, size - size // 8)
    starts = [min(start, length - size) for start in range(0, length - size + step, step)]
    return [(start, start + size) for start in starts] if len(starts) <= MAX_WINDOWS else []
