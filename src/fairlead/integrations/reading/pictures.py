"""What a picture's first bytes say of it: its form, its size, and whether it moves. Nothing is decoded.

Layouts: PNG (W3C, third edition, chapters 5 and 11), JPEG (ITU-T T.81, annex B), GIF89a (chapters 17 to 26), WebP container (RFC 9649,
chapter 2); read November 2026.
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple

Form = Literal["png", "jpeg", "gif", "webp"]


class Picture(NamedTuple):
    """A picture as its header tells it."""

    form: Form
    width: int
    height: int
    moves: bool
    """Whether it has more than one frame: only the first would be read."""


def picture_of(data: bytes) -> Picture | None:
    """Return what a picture is; None when it is of no form that is read, or its header is broken.

    Args:
        data: The whole picture.
    """
    for magic, read in ((b"\x89PNG\r\n\x1a\n", _png), (b"\xff\xd8\xff", _jpeg), (b"GIF87a", _gif), (b"GIF89a", _gif), (b"RIFF", _webp)):
        if data.startswith(magic):
            try:
                found = read(data)
            except IndexError:
                return None
            return found if found is not None and found.width > 0 and found.height > 0 else None
    return None


def _png(data: bytes) -> Picture | None:
    if data[12:16] != b"IHDR" or len(data) < 33:
        return None
    width, height = int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    kinds = [kind for kind, _ in _chunks(data, 8)]
    if kinds.count(b"IHDR") != 1:
        return None
    return Picture("png", width, height, moves=b"acTL" in kinds)


def _chunks(data: bytes, place: int) -> Iterator[tuple[bytes, int]]:
    """Give type and start of each chunk of a PNG."""
    while place + 8 <= len(data):
        yield data[place + 4 : place + 8], place + 8
        place += 12 + int.from_bytes(data[place : place + 4])


def _jpeg(data: bytes) -> Picture | None:
    place = 2
    while data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF:  # a byte of filling
            place += 1
            continue
        length = int.from_bytes(data[place + 2 : place + 4])
        # Start of frame; C4, C8 and CC of the same range are tables.
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            if place + 9 > len(data):
                return None
            height, width = int.from_bytes(data[place + 5 : place + 7]), int.from_bytes(data[place + 7 : place + 9])
            return Picture("jpeg", width, height, moves=False)
        if length < 2 or marker in (0xD9, 0xDA):
            return None
        place += 2 + length
    return None


def _gif(data: bytes) -> Picture | None:
    width, height = int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")
    place = 13 + _table(data[10])
    frames = 0
    while frames < 2 and (block := data[place]) != 0x3B:
        if block == 0x2C:
            frames += 1
            # A frame may be larger than the screen that is declared.
            width = max(width, int.from_bytes(data[place + 5 : place + 7], "little"))
            height = max(height, int.from_bytes(data[place + 7 : place + 9], "little"))
            place += 11 + _table(data[place + 9])
        elif block == 0x21:
            place += 2
        else:
            return None
        while data[place]:
            place += 1 + data[place]
        place += 1
    return Picture("gif", width, height, moves=frames > 1)


def _table(flags: int) -> int:
    """Return the bytes of the colour table that these flags announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _webp(data: bytes) -> Picture | None:
    if data[8:12] != b"WEBP" or len(data) < 30:
        return None
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
        return Picture("webp", width, height, moves=bool(data[20] & 2))
    if kind == b"VP8L" and data[20] == 0x2F:
        bits = int.from_bytes(data[21:25], "little")
        return Picture("webp", 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF), moves=False)
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        return Picture("webp", int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF, moves=False)
    return None
