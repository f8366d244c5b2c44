"""Pictures with text in them, drawn by hand: a small bitmap font, made large, in a PNG of one byte for each dot."""

import base64
import shutil
import struct
import zlib

import pytest
from servers import missing

_FONT = {
    "0": "0E11131519110E", "1": "040C040404040E", "2": "0E11010204081F", "3": "1F02040201110E", "4": "02060A121F0202",
    "5": "1F101E0101110E", "6": "0608101E11110E", "7": "1F010204080808", "8": "0E11110E11110E", "9": "0E11110F01020C",
    "A": "0E11111F111111", "B": "1E11111E11111E", "C": "0E11101010110E", "D": "1C12111111121C", "E": "1F10101E10101F",
    "F": "1F10101E101010", "G": "0E11101711110F", "H": "1111111F111111", "I": "0E04040404040E", "J": "0702020202120C",
    "K": "11121418141211", "L": "1010101010101F", "M": "111B1515111111", "N": "11111915131111", "O": "0E11111111110E",
    "P": "1E11111E101010", "Q": "0E11111115120D", "R": "1E11111E141211", "S": "0F10100E01011E", "T": "1F040404040404",
    "U": "1111111111110E", "V": "11111111110A04", "W": "1111111515150A", "X": "11110A040A1111", "Y": "1111110A040404",
    "Z": "1F01020408101F", " ": "00000000000000", "-": "0000001F000000",
}  # fmt: skip
"""Seven rows of five dots for each character, in hexadecimal."""
SCALE = 4


def png(rows: list[bytes]) -> bytes:
    """Return a grey picture of these rows, a byte for each dot."""
    return header(len(rows[0]), len(rows)) + _chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows))) + _chunk(b"IEND", b"")


def header(width: int, height: int) -> bytes:
    """Return how a grey PNG of this size begins."""
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def written(*lines: str) -> bytes:
    """Return a PNG with these lines in it: capitals, digits, spaces, dashes."""
    width = (max(len(line) for line in lines) + 4) * 7 * SCALE
    blank = [b"\xff" * width] * (2 * SCALE)
    rows = [*blank]
    for line in lines:
        for place in range(7):
            bits = "00".join(f"{int(_FONT[mark][2 * place : 2 * place + 2], 16):05b}" for mark in line)
            dots = b"".join((b"\0" if bit == "1" else b"\xff") * SCALE for bit in f"{'0' * 12}{bits}")
            rows += [dots[:width].ljust(width, b"\xff")] * SCALE
        rows += [*blank, *blank]
    return png(rows)


def data_url(picture: bytes) -> str:
    """Return a picture as the OpenAI APIs take it."""
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"


@pytest.fixture(scope="session")
def tesseract() -> None:
    """Need Tesseract."""
    if shutil.which("tesseract") is None:
        missing("Tesseract is not installed (apt-get install tesseract-ocr)")
