"""Sentences of a text, with their exact places."""

import re
from collections.abc import Iterator

from fairlead.detectors.grounding.model import Span

_HARD = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "dr",
        "prof",
        "st",
        "sr",
        "jr",
        "vs",
        "e.g",
        "i.e",
        "eg",
        "ie",
        "fig",
        "figs",
        "eq",
        "sec",
        "ch",
        "vol",
        "ed",
        "eds",
        "cf",
        "approx",
        "est",
        "dept",
        "univ",
        "gen",
        "col",
        "capt",
        "lt",
        "sgt",
        "rev",
        "hon",
        "pres",
        "gov",
        "sen",
        "rep",
        "messrs",
        "no",
        "nos",
        "art",
        "pp",
        "p",
        "al",
        "ca",
        "resp",
        "incl",
        "max",
        "min",
        "tel",
        "ext",
    ]
)
"""Abbreviations that no sentence ends with, as a rule."""
_SOFT = frozenset(
    [
        "etc",
        "inc",
        "ltd",
        "co",
        "corp",
        "plc",
        "llc",
        "a.m",
        "p.m",
        "u.s",
        "u.k",
        "u.n",
        "e.u",
        "u.s.a",
        "ph.d",
        "b.c",
        "a.d",
        "jan",
        "feb",
        "mar",
        "apr",
        "jun",
        "jul",
        "aug",
        "sep",
        "sept",
        "oct",
        "nov",
        "dec",
    ]
)
"""Abbreviations that a sentence may end with: it does where the next word has a capital."""
_NUMBERED = frozenset({"no", "nos", "art", "fig", "figs", "eq", "sec", "ch", "vol", "p", "pp", "approx", "ca", "max", "min", "ext", "tel"})
_END = re.compile(r"[.!?…。！？]+[\"'”’)\]»*_]*(?=\s|$|\[\d)|[。！？]|\n")  # noqa: RUF001 - full-width stops are meant
_BULLET = re.compile(
    r"\s*(?:(?:[-*•‣◦–—]|#{1,6}|>)\s+)*(?:\(?(?:\d{1,3}|[a-z]|[ivx]{1,4})\)\s+|(?:\d{1,3}|[a-z])\.\s+)?",  # noqa: RUF001 - dashes are meant
    re.ASCII,
)
_WORD_BEFORE = re.compile(r"([\w.]+)\.[\"'”’)\]]*\Z")  # noqa: RUF001 - quotes are meant
_NEW_ITEM = re.compile(r"[ \t]*(?:\n|[-*•‣◦–—#>|]|\(?(?:\d{1,3}|[a-zA-Z])[.)]\s)", re.ASCII)  # noqa: RUF001 - dashes are meant
_CITATION_AFTER = re.compile(r"(?:\s?\[[^\[\]\n]{1,40}\])+")


def split(text: str) -> list[Span]:
    """Return the sentences of a text: in order, apart, none empty; between them only white space and marks of lists.

    Args:
        text: Any text; a line break ends a sentence unless it only wraps a line.
    """
    return list(_sentences(text))


def _sentences(text: str) -> Iterator[Span]:
    start = 0
    for match in _END.finditer(text):
        if match.start() < start or not _ends(text, match, start):
            continue
        end = match.end() if match.group() != "\n" else match.start()
        cited = _CITATION_AFTER.match(text, end)
        end = cited.end() if cited else end
        yield from _trimmed(text, start, end)
        start = end
    yield from _trimmed(text, start, len(text))


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    marked = _BULLET.match(text, start, end)
    inner = marked.end() if marked else start
    if not text[inner:end].strip():
        # A line that is only a mark, such as "2.", is kept as it is.
        inner = start + len(text[start:end]) - len(text[start:end].lstrip())
    while end > inner and text[end - 1].isspace():
        end -= 1
    while inner < end and text[inner].isspace():
        inner += 1
    if inner < end:
        yield Span(inner, end)


def _ends(text: str, match: re.Match[str], start: int) -> bool:
    if match.group() == "\n":
        return _line_ends(text, match.start(), start)
    if match.group()[0] != "." or match.group().startswith(".."):
        return True
    after = text[match.end() : match.end() + 20].lstrip()[:1]
    before = _WORD_BEFORE.search(text, max(start, match.start() - 24), match.end())
    return before is None or (not _is_mark(text, match, start) and _ends_after(before.group(1), after))


def _ends_after(shown: str, after: str) -> bool:
    """Tell whether a point after a word ends a sentence, given the character that follows."""
    word = shown.lower().strip(".")
    if word in _NUMBERED:
        return not after.isdigit()
    if word in _HARD or (len(word) == 1 and word.isalpha() and word != "i" and shown.isupper()):
        return not after
    if word in _SOFT:
        return not after or after.isupper() or not after.isalnum()
    return True


def _is_mark(text: str, match: re.Match[str], start: int) -> bool:
    """Tell whether the point belongs to the number or letter of a list's entry."""
    head = text[start : match.start()].strip()
    return bool(re.fullmatch(r"\d{1,3}|[a-zA-Z]", head)) and match.end() < len(text)


def _line_ends(text: str, place: int, start: int) -> bool:
    """Tell whether a line break ends a sentence: not where a line is only wrapped."""
    if not text[start:place].strip():
        return True
    rest = text[place + 1 : place + 200]
    if not rest.strip() or _NEW_ITEM.match(rest):
        return True
    line = text[max(start, text.rfind("\n", 0, place) + 1) : place].rstrip()
    first = rest.lstrip()[:1]
    wrapped = len(line) >= 50 and line[-1:] not in ":;" and not line.startswith(("#", "|"))
    return not (first.islower() or (wrapped and (first.isalnum() or first in "(\"'")))
