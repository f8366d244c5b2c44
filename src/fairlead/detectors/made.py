"""Made-up values: from a template, the same ones for the same seed. Nothing real, and no scanner of pushed code trips on a template.

A template is text with pieces in angle brackets: ``ghp_<a:30><crc62>`` is ``ghp_``, thirty letters or digits, and their checksum.
"""

import binascii
import hashlib
import json
import re
from base64 import urlsafe_b64encode

from fairlead.detectors.checks import base62

ALPHABETS = {
    "d": "0123456789",
    "h": "0123456789abcdef",
    "H": "0123456789ABCDEF",
    "l": "abcdefghijklmnopqrstuvwxyz",
    "L": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "x": "abcdefghijklmnopqrstuvwxyz0123456789",
    "X": "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
    "2": "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
    "a": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
    "u": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-",
    "b": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    "z": "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
    "q": "qpzry9x8gf2tvdw0s3jn54khce6mua7l",
}
"""Letter of a piece to the characters that it draws from: digits, hexadecimal, small letters, base 32, 58, 62, 64 and so on."""
_PIECE = re.compile(r"<(\w+)(?::([0-9]+))?>")


class Source:
    """Draws characters that look random and are always the same.

    Args:
        seed: What decides about them; a keyed digest makes them unguessable.
    """

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._count = 0
        self._bytes = b""

    def below(self, limit: int) -> int:
        """Return a number less than a limit of at most 256."""
        while True:
            if not self._bytes:
                self._bytes = hashlib.sha256(self._seed + self._count.to_bytes(4, "big")).digest()
                self._count += 1
            byte, self._bytes = self._bytes[0], self._bytes[1:]
            if byte < 256 - 256 % limit:
                return byte % limit

    def text(self, alphabet: str, length: int) -> str:
        """Return so many characters of an alphabet."""
        return "".join(alphabet[self.below(len(alphabet))] for _ in range(length))


def made(template: str, seed: bytes = b"") -> str:
    """Return what a template describes.

    Args:
        template: Text with pieces.
        seed: What decides about the characters.
    """
    source, out, last = Source(seed), "", ""
    position = 0
    for piece in _PIECE.finditer(template):
        out += template[position : piece.start()]
        last = _drawn(piece[1], int(piece[2] or 0), source, last)
        out += last
        position = piece.end()
    return out + template[position:]


def _drawn(kind: str, length: int, source: Source, last: str) -> str:
    if kind == "crc62":
        return base62(binascii.crc32(last.encode()), 6)
    if kind == "uuid":
        digits = source.text(ALPHABETS["h"], 32)
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
    if kind == "jwt":
        header = _encoded(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
        payload = _encoded(json.dumps({"sub": source.text(ALPHABETS["d"], 10)}).encode())
        return f"{header}.{payload}.{source.text(ALPHABETS['u'], 43)}"
    if kind in ("mixed", "low"):
        # Letters of both cases and a digit first, so that no draw looks like a word.
        return ("a7Q" if kind == "mixed" else "a7q") + source.text(ALPHABETS["a" if kind == "mixed" else "x"], length - 3)
    return source.text(ALPHABETS[kind], length)


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
