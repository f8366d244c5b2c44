"""Decoders of words that are written oddly: spaced letters, joined words, digits for letters, strings in pieces."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from fairlead.detectors.view import WHOLE, Rewriting, Spot, View
from fairlead.detectors.words import known_words, segmented

CONTEXT = 256
"""Characters of the text around such words that belong to the view."""
_LETTERS = 0.6
"""Share of spaced characters that must be letters."""
_UNBROKEN = 14
"""Letters from which spaced words without a gap are told apart by a dictionary."""
_SURE = 6
"""Letters from which one word written with digits, or one spaced word, is evidence enough."""

_SPACED = re.compile(r"(?<!\S)\S(?:\s{1,3}\S(?!\S)){7,}+")
_DOTTED = re.compile(r"(?<![^\W_])[^\W_](?:([-._*~|/,+ ])[^\W_])(?:\1[^\W_])++(?![^\W_])")
_CHAINED = re.compile(r"(?<![\w+.-])[A-Za-z']{1,24}([_+.-])[A-Za-z']{1,24}(?:\1[A-Za-z']{1,24}){2,}+(?![\w+-])", re.ASCII)
_LEET = re.compile(r"(?<![A-Za-z0-9@$!|+])(?=[A-Za-z]*+[0-9@$!|+])[A-Za-z0-9@$!|+]{2,24}(?![A-Za-z0-9@$|+])", re.ASCII)
_FROM_LEET = str.maketrans("0134567892@$!|+", "oieasgtbgzasilt")
_ONE = re.compile(r"[1!|]")
_GAPS = re.compile(r"\s+")
_JOINT = re.compile(r"([\"'`])[ \t]*\r?\n?[ \t]*[,+.&][ \t]*\r?\n?[ \t]*\1")
_WORD_END = re.compile(r"[A-Za-z]{1,24}\Z")
_WORD_START = re.compile(r"[A-Za-z]{1,24}")


class _Around(NamedTuple):
    """Collects spots and leaves out what is far from each."""

    out: Rewriting
    size: int

    def put(self, spots: list[Spot]) -> None:
        reached = -2 * CONTEXT
        for spot in spots:
            if spot.begin - reached > 2 * CONTEXT and spot.begin > CONTEXT:
                self.out.replace(max(0, reached + CONTEXT), spot.begin - CONTEXT, "\n" if self.out.changed else "")
            self.out.replace(*spot)
            reached = spot.end
        if reached + CONTEXT < self.size:
            self.out.replace(reached + CONTEXT, self.size, "")


def _around(parent: View, kind: str, spots: list[Spot]) -> Iterator[View]:
    if spots and kind not in parent.kind.split(">"):
        out = Rewriting(parent.text)
        _Around(out, len(parent.text)).put(spots)
        yield out.view(parent, kind)


def spaced_of(parent: View) -> Iterator[View]:
    """Yield the text with ``s p a c e d`` and ``d-o-t-t-e-d`` words closed up."""
    spots = [spot for match in _SPACED.finditer(parent.text) if (spot := _closed(match))]
    if not spots:
        dotted = [match for match in _DOTTED.finditer(parent.text) if match.group(1) != " " and match.group()[::2].isalpha()]
        if len(dotted) > 1 or any(match.end() - match.start() >= 2 * _SURE - 1 for match in dotted):
            spots = [Spot(match.start(), match.end(), match.group()[::2], 2) for match in dotted]
    yield from _around(parent, "spaced", spots)


def _closed(match: "re.Match[str]") -> Spot | None:
    run = match.group()
    begin, end = match.span()
    letters = sum(character.isalpha() for character in run)
    if letters < _LETTERS * (len(run) - sum(map(str.isspace, run))):
        return None
    if run[1::2].isspace() and len(run) % 2:
        closed, step = run[::2], 2
    else:
        closed, step = _GAPS.sub(lambda gap: "" if len(gap.group()) == 1 else " ", run), WHOLE
    if len(closed) >= _UNBROKEN and not any(map(str.isspace, closed)):
        return Spot(begin, end, segmented(closed))
    return Spot(begin, end, closed, step)


def chained_of(parent: View) -> Iterator[View]:
    """Yield the text with ``words_joined_like_this`` apart."""
    found = list(_CHAINED.finditer(parent.text))
    yield from _around(parent, "chained", [Spot(*match.span(), match.group().replace(match.group(1), " "), 1) for match in found])


def leet_of(parent: View) -> Iterator[View]:
    """Yield the text with digits and signs that stand for letters as letters, where that makes words of it."""
    found = {word for word in _LEET.findall(parent.text) if not word.isdigit()}
    plain = {word: _plain(word) for word in found}
    known = known_words()
    said = {lower for word in plain.values() if len(word) > 2 and (lower := word.lower().rstrip("!")) in known}
    if len(said) > 1 or any(len(word) >= _SURE for word in said):
        matches = (match for match in _LEET.finditer(parent.text) if match.group() in plain)
        yield from _around(parent, "leet", [Spot(*match.span(), plain[match.group()], 1) for match in matches])


def _plain(word: str) -> str:
    tail = "!" if word.endswith("!") else ""
    stem = word[: len(word) - len(tail)]
    first = stem.translate(_FROM_LEET)
    if _ONE.search(stem):
        other = _ONE.sub("l", stem).translate(_FROM_LEET)
        if first.lower() not in known_words() and other.lower() in known_words():
            first = other
    return first + tail


def joined_of(parent: View) -> Iterator[View]:
    """Yield the text with strings that were taken apart, as in a list or a sum of strings, put together."""
    joints = list(_JOINT.finditer(parent.text))
    if joints and 4 * sum(_belongs(parent.text, joint) for joint in joints) >= len(joints):
        yield from _around(parent, "joined", [Spot(joint.start(), joint.end(), "") for joint in joints])


def _belongs(text: str, joint: "re.Match[str]") -> bool:
    """Return whether what stands on both sides of a joint belongs together."""
    begin, end = joint.span()
    if text[begin - 1 : begin].isspace() or text[end : end + 1].isspace():
        return True
    left, right = _WORD_END.search(text[max(0, begin - 24) : begin]), _WORD_START.match(text, end)
    return left is not None and right is not None and f"{left.group()}{right.group()}".lower() in known_words()
