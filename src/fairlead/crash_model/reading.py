"""Reading the context as a gullible model does: every line may be an order, however it is dressed.

Zero-width characters are dropped, Unicode tag characters and compatibility forms become plain letters; base64, hexadecimal and
rot13 are decoded and read as lines of their own. HTML comments and hidden markup are read like any other text.
"""

import base64
import binascii
import codecs
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from fairlead.crash_model.model import Json, Message

_BASE64 = re.compile(r"[A-Za-z0-9+/]{20,}={0,2}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){12,}")
_WORD = re.compile(r"\b[^\W\d_]{3,}")
_COMMON = frozenset(
    _WORD.findall(
        "the and you your for with that this have from how what where when which does can could please tell are was not but let they them"
        " who why will would there into about out our"
    )
)
_ZERO_WIDTH = dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x00AD))


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line that may hold an order."""

    source: str
    """The role of the message that it stands in."""
    text: str


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """All that the model was given, sorted by what it is."""

    system: str
    question: str
    """The newest message of the user."""
    documents: tuple[str, ...]
    """Texts to answer from: earlier user messages, and results of tools that are no records."""
    records: tuple[dict[str, Json], ...]
    """Results of tools that are JSON objects."""
    lines: tuple[Line, ...]
    """Newest first."""

    def told(self) -> str:
        """Return everything but the system text, as it was read."""
        return "\n".join([*self.documents, *(_record_text(record) for record in self.records)])


def read(messages: Sequence[Message]) -> Context:
    """Sort a conversation into what the model answers from and what it may be told to do."""
    newest = max((index for index, message in enumerate(messages) if message.role == "user"), default=-1)
    documents: list[str] = []
    records: list[dict[str, Json]] = []
    lines: list[Line] = []
    for index, message in enumerate(messages):
        text = plain(message.text())
        record = _record(text) if message.role == "tool" else None
        if record is not None:
            records.append(record)
        elif message.role == "tool" or (message.role == "user" and index != newest):
            documents.append(text)
        if message.role != "assistant":
            lines.extend(Line(source=message.role, text=line) for line in _lines(text, record, whole=index == newest))
    return Context(
        system="\n".join(plain(message.text()) for message in messages if message.role in ("system", "developer")),
        question=plain(messages[newest].text()) if newest >= 0 else "",
        documents=tuple(documents),
        records=tuple(records),
        lines=tuple(reversed(lines)),
    )


def plain(text: str) -> str:
    """Return the text as it looks to a reader: invisible characters dropped, tag characters and look-alike forms made plain."""
    shown = "".join(chr(ord(letter) - 0xE0000) if 0xE0020 <= ord(letter) <= 0xE007E else letter for letter in text)
    return unicodedata.normalize("NFKC", shown.translate(_ZERO_WIDTH))


def decoded(text: str) -> Iterator[str]:
    """Yield what is written in base64, hexadecimal or rot13 in the text."""
    for match in _BASE64.finditer(text):
        yield from _printable(_unbase64(match[0]))
    for match in _HEX.finditer(text):
        yield from _printable(bytes.fromhex(match[0]))
    if "rot13" in text.lower():
        yield codecs.decode(text, "rot13")


def tokens(texts: Iterable[str]) -> set[str]:
    """Return the words that mean something, cut to their first letters so that forms of a word are one."""
    return {word[:6] for text in texts for word in _WORD.findall(text.lower()) if word not in _COMMON}


def leaves(value: Json | object) -> Iterator[str]:
    """Yield the texts inside a JSON value."""
    if isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    elif isinstance(value, str):
        yield value


def _lines(text: str, record: dict[str, Json] | None, *, whole: bool) -> Iterator[str]:
    texts = [plain(leaf) for leaf in leaves(record)] if record is not None else [text]
    for piece in texts:
        found = [piece] if whole else [line for line in piece.split("\n") if line.strip()]
        for line in found:
            yield line
            yield from decoded(line)


def _record(text: str) -> dict[str, Json] | None:
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None
    return value if isinstance(value, dict) else None


def _record_text(record: dict[str, Json]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in record.items())


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _printable(raw: bytes) -> Iterator[str]:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return
    if " " in text and text.isprintable():
        yield text
