"""Decoders of turned letters: every Caesar shift (rot13 is one), atbash, reversal. Found by words that only a turned text holds."""

import string
from collections.abc import Iterator
from functools import cache

import ahocorasick_rs

from fairlead.detectors.view import REVERSED, Rewriting, View, neighbourhoods
from fairlead.detectors.words import FOREIGN, known_words

CONTEXT = 512
"""Characters around a turned word that are read turned."""
_KEYS = (
    "ignore disregard instruction previous prompt system assistant password forget override reveal pretend unrestricted jailbreak character"
    " response without rules answer question please should would could about which their there these those other because before after never"
    " always anything everything following information language"
)
"""Words that one of is reason enough."""
_SURE = 6
"""Letters from which one turned word of an order in another language is reason enough."""
_COMMON = 250
"""So many of the most frequent words are small ones: two different ones, each between blanks, are reason enough."""
_ATBASH, _BACKWARDS = 26, 27
_LETTERS = string.ascii_lowercase


def _turned(word: str, turn: int) -> str:
    if turn == _BACKWARDS:
        return word[::-1]
    return word.translate(_table(turn))


@cache
def _table(turn: int) -> dict[int, int]:
    """Return the letters' way there; the way back is that of ``26 - turn``, and of atbash itself."""
    to = _LETTERS[::-1] if turn == _ATBASH else _LETTERS[turn:] + _LETTERS[:turn]
    return str.maketrans(_LETTERS + _LETTERS.upper(), to + to.upper())


class Ciphers:
    """Finds turned words in any text, in one pass."""

    def __init__(self) -> None:
        foreign = set(FOREIGN.split())
        keys = {*_KEYS.split(), *(word for word in foreign if len(word) >= _SURE)}
        common = [word for word in list(known_words())[:_COMMON] if len(word) > 2]
        small = {*common, *foreign} - keys
        plain = known_words()
        words: dict[str, tuple[int, str, bool]] = {}
        for turn in range(1, _BACKWARDS + 1):
            for word in sorted(keys):
                if (turned := _turned(word, turn)) not in plain:
                    words[turned] = (turn, word, True)
            for word in sorted(small):
                if (turned := _turned(word, turn)) not in plain:
                    words[f" {turned} "] = (turn, word, False)
        self._words = list(words.values())
        self._find = ahocorasick_rs.AhoCorasick(
            list(words), implementation=ahocorasick_rs.Implementation.ContiguousNFA
        ).find_matches_as_indexes

    def decode(self, parent: View) -> Iterator[View]:
        """Yield the surroundings of turned words, turned back."""
        if _done(parent):
            return
        lower = parent.text.lower()
        if len(lower) != len(parent.text):  # one letter that becomes two in lower case
            lower = "".join(small if len(small := character.lower()) == 1 else character for character in parent.text)
        spots: dict[int, list[tuple[int, int]]] = {}
        said: dict[int, set[str]] = {}
        sure: set[int] = set()
        for index, begin, end in self._find(lower, overlapping=True):
            turn, word, strong = self._words[index]
            spots.setdefault(turn, []).append((begin, end))
            said.setdefault(turn, set()).add(word)
            if strong:
                sure.add(turn)
        for turn, words in said.items():
            if turn in sure or len(words) > 1:
                yield _back(parent, turn, neighbourhoods(len(lower), spots[turn], CONTEXT))


def _done(parent: View) -> bool:
    """Return whether a view was turned already: turning twice reads nothing that turning once does not."""
    return any(kind.startswith(("rot13", "caesar", "atbash", "reversed")) for kind in parent.kind.split(">"))


def _back(parent: View, turn: int, pieces: list[tuple[int, int]]) -> View:
    out, reached = Rewriting(parent.text), 0
    for begin, end in pieces:
        if begin > reached:
            out.replace(reached, begin, "\n" if out.changed else "")
        piece = parent.text[begin:end]
        if turn == _BACKWARDS:
            out.replace(begin, end, piece[::-1], REVERSED)
        else:
            out.replace(begin, end, piece.translate(_table(turn if turn == _ATBASH else 26 - turn)), 1)
        reached = end
    if reached < len(parent.text):
        out.replace(reached, len(parent.text), "")
    kinds = {13: "rot13", _ATBASH: "atbash", _BACKWARDS: "reversed"}
    return out.view(parent, kinds.get(turn, f"caesar-{turn}"))
