"""Decoders of whole pieces: base64, base32, hex, binary. A piece is found as a whole; what is decoded stands on lines of its own."""

import base64
import binascii
import re
from collections.abc import Callable, Iterator

from fairlead.detectors.view import Rewriting, View

_READABLE = 0.9
"""Share of a decoded text that must be printable."""
_LONG = 40
"""Characters from which a piece may also start inside what looks like base64 (after a path, say)."""

_BASE64 = re.compile(
    r"[A-Za-z0-9+/_-]{16,}+={0,2}(?:\r?\n[ \t]*[A-Za-z0-9+/_-]{16,}+={0,2})*+(?:\r?\n[ \t]*[A-Za-z0-9+/_-]{2,15}={0,2}(?![A-Za-z0-9]))?+",
    re.ASCII,
)
_HEX = re.compile(r"(?:(?:\\x|0x)?[0-9a-fA-F]{2}[ :,\n]?){12,}+", re.ASCII)
_BINARY = re.compile(r"(?:[01]{8}[ ,\n]?){6,}+", re.ASCII)
_NOT_HEX = re.compile(r"\\x|0x|[ :,\n]")
_NOT_BINARY = re.compile(r"[ ,\n]")
_STANDARD = str.maketrans("-_", "+/")
_BASE32 = re.compile(r"[A-Z2-7]+")


def base64_of(parent: View) -> Iterator[View]:
    """Yield what base64 (also of URLs, also base32) stands for."""
    return _chunks(parent, "base64", _BASE64, _base64)


def hex_of(parent: View) -> Iterator[View]:
    """Yield what hex digits stand for."""
    return _chunks(parent, "hex", _HEX, _hex)


def binary_of(parent: View) -> Iterator[View]:
    """Yield what binary digits stand for."""
    return _chunks(parent, "binary", _BINARY, _binary)


def _chunks(parent: View, kind: str, expression: "re.Pattern[str]", decode: Callable[[str], str]) -> Iterator[View]:
    """Yield one view of all decoded pieces, without what stands between them."""
    out, reached = Rewriting(parent.text), 0
    for match in expression.finditer(parent.text):
        if decoded := decode(match.group()):
            out.replace(reached, match.start(), "\n" if out.changed else "")
            out.replace(match.start(), match.end(), decoded)
            reached = match.end()
    if out.changed:
        out.replace(reached, len(parent.text), "")
        yield out.view(parent, kind)


def _base64(chunk: str) -> str:
    lines = chunk.split()
    if len(lines) == 1:
        return _one_base64(chunk)
    whole = _one_base64("".join(lines))
    if whole:
        return whole
    if len(lines[-1]) < 16 and (whole := _one_base64("".join(lines[:-1]))):
        return whole
    return "\n".join(filter(None, map(_one_base64, lines)))


def _one_base64(chunk: str) -> str:
    digits = chunk.rstrip("=").translate(_STANDARD)
    for skip in range(4 if len(digits) >= _LONG else 1):
        found = _decoded(base64.b64decode, digits[skip:], 4)
        if found:
            return found
    return _decoded(base64.b32decode, digits, 8) if _BASE32.fullmatch(digits) else ""


def _decoded(decode: Callable[[str], bytes], digits: str, group: int) -> str:
    if group == 4 and len(digits) % 4 == 1:
        digits = digits[:-1]
    try:
        return readable(decode(digits + "=" * (-len(digits) % group)))
    except binascii.Error:
        return ""


def _hex(chunk: str) -> str:
    digits = _NOT_HEX.sub("", chunk)
    return readable(bytes.fromhex(digits)) if len(digits) % 2 == 0 else ""


def _binary(chunk: str) -> str:
    digits = _NOT_BINARY.sub("", chunk)
    return readable(int(digits, 2).to_bytes(len(digits) // 8, "big"))


def readable(data: bytes) -> str:
    """Return bytes as text; empty when they are none.

    Args:
        data: UTF-8, or UTF-16 of mostly Latin text; a few broken bytes at the edges are forgiven.
    """
    wide = data[1:400:2].count(0) * 2 > len(data[1:400:2])
    text = data.decode("utf-16-le" if wide else "utf-8", "replace")
    if not text or (text.isascii() and text.isprintable()):
        return text
    unshown = len(_UNSHOWN.findall(text))
    return text if unshown <= (1 - _READABLE) * len(text) else ""


_UNSHOWN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd\ue000-\uf8ff]")
"""Control characters, what stands for broken bytes, characters without a meaning."""
