"""Words of a text, with their places, their stems and what kind they are."""

import re
from collections.abc import Callable
from typing import NamedTuple

_TOKEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?(?:\.[^\W\d_]\b)*|\d+(?:[.,:]\d+)*")  # noqa: RUF001 - an apostrophe is meant

STOP = frozenset(
    [
        "a",
        "an",
        "the",
        "this",
        "that",
        "these",
        "those",
        "of",
        "to",
        "in",
        "on",
        "at",
        "by",
        "for",
        "from",
        "with",
        "into",
        "onto",
        "as",
        "and",
        "or",
        "but",
        "so",
        "if",
        "then",
        "than",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "being",
        "am",
        "has",
        "have",
        "had",
        "having",
        "do",
        "does",
        "did",
        "doing",
        "will",
        "would",
        "i",
        "you",
        "he",
        "she",
        "it",
        "we",
        "they",
        "me",
        "him",
        "her",
        "us",
        "them",
        "my",
        "your",
        "his",
        "its",
        "our",
        "their",
        "mine",
        "yours",
        "hers",
        "ours",
        "theirs",
        "who",
        "whom",
        "whose",
        "which",
        "what",
        "when",
        "where",
        "why",
        "how",
        "there",
        "here",
        "also",
        "too",
        "very",
        "about",
        "over",
        "during",
        "while",
        "because",
        "since",
        "until",
        "up",
        "down",
        "out",
        "off",
        "again",
        "further",
        "once",
        "such",
        "own",
        "same",
        "other",
        "another",
        "through",
        "between",
        "under",
        "above",
        "below",
        "s",
        "t",
        "re",
        "ve",
        "ll",
        "d",
        "m",
        "one",
        "it's",
        "i'm",
        "you're",
        "we're",
        "they're",
        "let's",
        "well",
    ]
)
"""Words that no check looks at on their own."""

NEGATIONS = frozenset(
    [
        "not",
        "no",
        "never",
        "none",
        "nobody",
        "nothing",
        "nowhere",
        "neither",
        "nor",
        "without",
        "cannot",
        "hardly",
        "barely",
        "unable",
        "isn't",
        "aren't",
        "wasn't",
        "weren't",
        "don't",
        "doesn't",
        "didn't",
        "won't",
        "wouldn't",
        "can't",
        "couldn't",
        "shouldn't",
        "hasn't",
        "haven't",
        "hadn't",
        "mustn't",
        "needn't",
        "ain't",
        "lack",
        "lacks",
        "lacked",
        "lacking",
        "fail",
        "fails",
        "failed",
        "failing",
        "refuse",
        "refuses",
        "refused",
        "refusing",
        "deny",
        "denies",
        "denied",
        "denying",
        "except",
    ]
)
QUANTIFIERS = {
    word: group
    for group, words in {
        "all": "all every everyone everybody everything each always entire entirely whole completely fully both",
        "some": "some several few many various sometimes often occasionally partly partially",
        "most": "most mostly mainly majority usually generally largely primarily",
        "none": "none no never nobody nothing",
        "only": "only solely exclusively just merely",
        "before": "before prior until",
        "after": "after following afterwards since",
        "more": "more greater higher",
        "less": "less fewer lower",
        "instead": "instead rather unlike",
        "least": "least minimum",
        "most_at": "maximum",
        "must": "must shall required mandatory obliged obligatory need needs has-to",
        "may": "may might could can possibly perhaps optional allowed permitted",
        "likely": "probably likely expected potentially",
        "sure": "certainly definitely guaranteed guarantee guarantees confirmed",
    }.items()
    for word in words.split()
}
"""How many, how often, how surely; by group."""

_IRREGULAR = {
    form: base
    for base, forms in {
        "be": "is are was were been being am",
        "go": "went gone goes going",
        "say": "said says",
        "make": "made making",
        "take": "took taken taking",
        "come": "came",
        "see": "saw seen",
        "get": "got gotten",
        "give": "gave given",
        "find": "found",
        "think": "thought",
        "tell": "told",
        "become": "became",
        "leave": "left leaving",
        "feel": "felt",
        "bring": "brought",
        "begin": "began begun",
        "keep": "kept",
        "hold": "held",
        "write": "wrote written writing",
        "stand": "stood",
        "hear": "heard",
        "mean": "meant",
        "meet": "met",
        "run": "ran",
        "pay": "paid",
        "sit": "sat",
        "speak": "spoke spoken",
        "lie": "lay lain lying",
        "lead": "led",
        "grow": "grew grown",
        "lose": "lost losing",
        "fall": "fell fallen",
        "send": "sent",
        "build": "built",
        "understand": "understood",
        "draw": "drew drawn",
        "break": "broke broken",
        "spend": "spent",
        "rise": "rose risen rising",
        "drive": "drove driven driving",
        "buy": "bought",
        "wear": "wore worn",
        "choose": "chose chosen choosing",
        "sell": "sold",
        "win": "won winning",
        "teach": "taught",
        "catch": "caught",
        "fly": "flew flown",
        "forget": "forgot forgotten",
        "freeze": "froze frozen",
        "hide": "hid hidden",
        "know": "knew known",
        "show": "showed shown",
        "steal": "stole stolen",
        "swim": "swam swum",
        "throw": "threw thrown",
        "wake": "woke woken",
        "do": "did done does",
        "eat": "ate eaten",
        "shoot": "shot",
        "shake": "shook shaken",
        "sing": "sang sung",
        "sleep": "slept",
        "fight": "fought",
        "seek": "sought",
        "strike": "struck",
        "bear": "bore borne",
        "man": "men",
        "woman": "women",
        "child": "children",
        "foot": "feet",
        "tooth": "teeth",
        "mouse": "mice",
        "person": "people persons",
        "life": "lives",
        "wife": "wives",
        "knife": "knives",
        "leaf": "leaves",
        "half": "halves",
        "datum": "data",
        "criterion": "criteria",
        "analysis": "analyses",
        "crisis": "crises",
        "die": "died dying dies",
    }.items()
    for form in forms.split()
}


class Word(NamedTuple):
    """One word or bare number."""

    start: int
    end: int
    text: str
    """As it stands there."""
    lower: str
    stem: str


def words(text: str, stems: dict[str, str], start: int = 0, end: int | None = None) -> list[Word]:
    """Return the words and bare numbers of a stretch of a text.

    Args:
        text: The text.
        stems: What was stemmed before; filled on.
        start: Where the stretch begins.
        end: Where it ends.
    """
    out: list[Word] = []
    for match in _TOKEN.finditer(text, start, len(text) if end is None else end):
        shown = match.group()
        stem = stems.get(shown)
        if stem is None:
            stem = stems[shown] = stem_of(shown.lower())
        out.append(Word(match.start(), match.end(), shown, shown.lower(), stem))
    return out


def is_content(word: Word) -> bool:
    """Tell whether a word says something of its own."""
    return word.lower not in STOP and (len(word.lower) > 1 or word.lower.isdigit())


def stem_of(word: str) -> str:
    """Return what the forms of a word share: ``studies``, ``studied`` and ``study`` give the same.

    Args:
        word: In lower case.
    """
    word = word.replace("’", "'")  # noqa: RUF001 - an apostrophe is meant
    word = word.removesuffix("'s").replace(".", "") if not word[:1].isdigit() else word
    if word in _IRREGULAR:
        return _end(_IRREGULAR[word])
    if len(word) <= 3 or not word.isascii():
        return word
    for ending, make in _ENDINGS:
        if word.endswith(ending):
            made = make(word)
            if made:
                return _end(made)
    return _end(word)


def _plural(word: str) -> str:
    if word.endswith(("ss", "us", "is")):
        return ""
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("xes", "ches", "shes", "sses", "zes", "oes")) else word[:-1]


def _past(word: str) -> str:
    if word.endswith("ied"):
        return word[:-3] + "y"
    return _undoubled(word[:-2]) if len(word) > 4 and not word.endswith("eed") and _has_vowel(word[:-2]) else ""


def _present(word: str) -> str:
    return _undoubled(word[:-3]) if len(word) > 5 and _has_vowel(word[:-3]) else ""


def _adverb(word: str) -> str:
    return (word[:-3] + "y" if word.endswith("ily") else word[:-2]) if len(word) > 5 else ""


_ENDINGS: tuple[tuple[str, Callable[[str], str]], ...] = (("s", _plural), ("ed", _past), ("ing", _present), ("ly", _adverb))


def _has_vowel(word: str) -> bool:
    return any(letter in "aeiouy" for letter in word)


def _undoubled(word: str) -> str:
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsze" else word


def _end(word: str) -> str:
    """Return a stem without the endings that forms differ in: a silent e, y or i."""
    if len(word) > 3 and word.endswith("e"):
        word = word[:-1]
    elif len(word) > 3 and word.endswith("y"):
        word = word[:-1] + "i"
    return word.replace("isation", "ization").replace("our", "or") if len(word) > 5 else word
