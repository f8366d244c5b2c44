"""Spellings: one value can be written in several ways that mean the same, and is looked for in each of them.

Web addresses lose their scheme, paths their ``.`` and ``..``, and a day in ISO form is also found as people write it.
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from posixpath import normpath
from urllib.parse import urlsplit

from fairlead.policy import Extractor

_SCHEME = re.compile(r"https?://")
_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"'`]+")
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[t ](\d\d):(\d\d)(?::00)?)?")
_MONTHS = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"]
_FORMS: dict[Extractor, re.Pattern[str]] = {
    "integer": re.compile(r"-?\d{1,9}"),
    "number": re.compile(r"-?\d{1,9}(?:\.\d{1,4})?"),
    "date": re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?"),
    "time": re.compile(r"\d\d:\d\d(?::\d\d)?"),
}
MAX_DIGITS = 40
READABLE = ""
"""Stands for the host of what looks like a web address and can't be read as one."""


def canonical(text: str) -> str:
    """Return the text as values are compared: compatibility forms, case and runs of white space folded."""
    if not text.isascii():
        return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    # Several times faster on long texts than splitting them into words.
    folded = text.lower().translate(_SPACES) if any(space in text for space in _ODD) else text.lower()
    while "  " in folded:
        folded = folded.replace("  ", " ")
    return folded.strip(" ")


_ODD = "\n\t\r\x0b\x0c\x1c\x1d\x1e\x1f"
_SPACES = {ord(space): " " for space in _ODD}


def spelled(value: str | int | Decimal | bool) -> str:  # noqa: FBT001 - the value itself is what is written
    """Return a value as text in the form in which it is compared: a number without the zeros that change nothing."""
    if isinstance(value, bool | str):
        return canonical(str(value))
    number = Decimal(value)
    return f"{number.normalize():f}" if number.is_finite() and abs(number.adjusted()) < MAX_DIGITS else canonical(str(value))


def spellings(value: str, *, days: bool = True) -> Iterator[str]:
    """Yield other spellings of a canonical value that mean the same.

    Args:
        value: The value, canonical.
        days: Whether to write a day as people do, in some twenty ways.
    """
    bare = _SCHEME.sub("", value, count=1).rstrip("/") if _URL.match(value) else ""
    if bare:
        yield bare
        yield f"{bare}/"
    elif "/" in value and " " not in value and not value.startswith("//"):
        plain = normpath(value)
        if plain != value and not plain.startswith(".."):
            yield plain
    if days:
        yield from _days(value)


def _days(value: str) -> Iterator[str]:
    found = _DAY.fullmatch(value)
    if found is None or found[4] is not None:
        return
    try:
        day = date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return
    month = _MONTHS[day.month - 1]
    ending = "th" if 10 <= day.day <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10, "th")
    for name in dict.fromkeys((month, month[:3], f"{month[:3]}.")):
        for number in (f"{day.day}", f"{day.day}{ending}"):
            yield f"{name} {number}, {day.year}"
            yield f"{name} {number} {day.year}"
            yield f"{number} {name} {day.year}"
            yield f"{number} of {name} {day.year}"


def hosts(text: str) -> frozenset[str]:
    """Return the hosts of all web addresses in a text; :data:`READABLE` among them for one that can't be read plainly.

    A host beyond ASCII, one with a user name before it, and one with an odd character count as unreadable: they are how hosts are faked.
    """
    out: set[str] = set()
    for found in _URL.finditer(unicodedata.normalize("NFKC", text).casefold()):
        url = found.group()
        out.add(_host(url if _SCHEME.match(url) else f"http://{url}"))
    return frozenset(out)


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = parts.hostname or READABLE
    except ValueError:
        return READABLE
    plain = "@" not in parts.netloc and "\\" not in url and host.isascii() and _HOST.fullmatch(host.rstrip("."))
    return host.rstrip(".") if plain else READABLE


def path(text: str) -> str | None:
    """Return a path without ``.`` and ``..``; None when it leaves its root, or holds a control character or a backslash."""
    if not text or not text.isprintable() or "\\" in text or "%2" in text.lower():
        return None
    plain = normpath(text)
    return None if plain == ".." or plain.startswith("../") or ".." in plain.split("/") else plain


def has_form(value: str, form: Extractor, listed: tuple[object, ...]) -> bool:
    """Tell whether a value is of a form that carries little: a number, a day, a time, or a word of a list."""
    if form == "listed":
        return value in {str(entry) for entry in listed}
    return _FORMS[form].fullmatch(value) is not None
