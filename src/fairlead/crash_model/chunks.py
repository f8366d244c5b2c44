"""Splitting a text for a stream: seeded, and small enough that every entity is cut somewhere."""

import hashlib
from collections.abc import Iterator

LARGEST = 7
"""Characters of one chunk at most; an e-mail address or card number is longer."""


def split(text: str, seed: int, largest: int = LARGEST) -> Iterator[str]:
    """Yield the text in pieces of 1 to ``largest`` characters.

    Args:
        text: What to split.
        seed: The same text and seed give the same pieces.
        largest: Characters of one piece at most, 1 to 256.
    """
    place, block = 0, 0
    while place < len(text):
        for byte in hashlib.sha256(f"{seed}:{block}:{text}".encode(errors="surrogatepass")).digest():
            size = 1 + byte % largest
            if place < len(text):
                yield text[place : place + size]
            place += size
        block += 1
