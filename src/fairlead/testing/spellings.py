"""The eighteen ways to write a text that a reader of it, or a model, undoes and a plain detector does not see through."""

import base64
import codecs
import random
import string
from collections.abc import Callable

_LEET = str.maketrans("aeiostAEIOST", "431057431057")
_ALIKE = str.maketrans("aceiopxyABCEHIKMOPTX", "асеіорхуАВСЕНІКМОРТХ")  # noqa: RUF001 - look-alikes are the matter
_MARKS = "\u0300\u0301\u0302\u0308\u030a\u0317\u0323\u0334\u0336\u0489"
_SHIFT = 7
_SHIFTED = string.ascii_lowercase[_SHIFT:] + string.ascii_lowercase[:_SHIFT]
_CAESAR = str.maketrans(string.ascii_letters, _SHIFTED + _SHIFTED.upper())


def _units(text: str) -> list[int]:
    data = text.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(data[place : place + 2], "big") for place in range(0, len(data), 2)]


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "replace")).decode()


def _flooded(text: str) -> str:
    chosen = random.Random(len(text))  # noqa: S311 - repeatable, no secret
    return "".join(character + "".join(chosen.choices(_MARKS, k=6)) if character.isalpha() else character for character in text)


def _tagged(text: str) -> str:
    """Write the ASCII of a text in characters that show nothing, after a harmless one."""
    return "\u2709" + "".join(chr(0xE0000 + ord(character)) for character in text if 32 <= ord(character) < 127)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "base64": _base64,
    "base64 twice": lambda text: _base64(_base64(text)),
    "hex": lambda text: text.encode("utf-8", "replace").hex(),
    "url": lambda text: "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "replace")),
    "html entities": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "unicode escapes": lambda text: "".join(f"\\u{unit:04x}" for unit in _units(text)),
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "caesar": lambda text: text.translate(_CAESAR),
    "reversed": lambda text: text[::-1],
    "leet": lambda text: text.translate(_LEET),
    "spaced": " ".join,
    "zero-width": "\u200b".join,
    "look-alikes": lambda text: text.translate(_ALIKE),
    "tags": _tagged,
    "full-width": lambda text: "".join(chr(ord(character) + 0xFEE0) if "!" <= character <= "~" else character for character in text),
    "combining flood": _flooded,
    "bidi": lambda text: f"\u202e{text[::-1]}\u202c",
    "variation selectors": lambda text: "".join(f"{character}\ufe0f" for character in text),
}
"""Name to the function that writes a text so."""
