"""Texts to measure with, made anew from a seed: nobody's, and always the same."""

import base64
import random

_TALE = (
    "the harbour was quiet when we arrived and last boats were already tied up for night a woman in yellow coat waved at us from pier "
    "she had been waiting since noon said glad that come all talked about weather price of diesel families still live on island through "
    "winter please summarise following report list three main points explain how invoice total was computed then draft short friendly "
    "reply to customer who asked whether delivery can be moved from Tuesday to Thursday because nobody will be home"
)
_WORDS = tuple(_TALE.split())
_SCRIPTS = (
    "café naïve Straße smörgåsbord señor Ελλάδα Москва 日本語 東京 مرحبا שלום 😀 👩‍👩‍👧 "
    "ﬁnancial ｆｕｌｌｗｉｄｔｈ １２３ ½ … “quoted” it’s"  # noqa: RUF001 - the same
)
_ACCENTED = tuple(_SCRIPTS.split())
_HIDDEN = ("\u200b", "\u00ad", "\u2060", "\ufeff")


def prose(size: int, *, seed: int) -> str:
    """Return clean ASCII prose of exactly so many characters."""
    source = random.Random(seed)  # noqa: S311 - repeatable, no secret
    words: list[str] = []
    length = 0
    while length < size:
        word = source.choice(_WORDS) + source.choice(("", "", "", "", "", "", ",", "."))
        words.append(word)
        length += len(word) + 1
    return " ".join(words)[:size]


def dirty(size: int, *, seed: int) -> str:
    """Return prose of other scripts, disguised characters, hidden ones, markup and encoded pieces; exactly so many characters."""
    source = random.Random(seed)  # noqa: S311 - repeatable, no secret
    parts: list[str] = []
    length = 0
    while length < size:
        word = source.choice(_WORDS)
        piece = source.choice(
            (
                source.choice(_ACCENTED),
                word[:2] + source.choice(_HIDDEN) + word[2:],
                f"<b>{word}</b>&amp;",
                f"%{ord(word[0]):x}{word[1:]}",
                base64.b64encode(" ".join(source.choices(_WORDS, k=6)).encode()).decode(),
                word,
                word,
            )
        )
        parts.append(piece)
        length += len(piece) + 1
    return " ".join(parts)[:size]


def personal(size: int, *, seed: int) -> str:
    """Return text in which about every sixth word is personal data, as in a customer list; exactly so many characters."""
    source = random.Random(seed)  # noqa: S311 - repeatable, no secret
    parts: list[str] = []
    length = 0
    while length < size:
        number = source.randrange(10_000)
        piece = source.choice(
            (
                f"{source.choice(_WORDS)}.{number}@example.com",
                "4111 1111 1111 1111",
                f"+1 415-555-{number:04d}",
                "DE89 3704 0044 0532 0130 00",
                f"123-45-{number:04d}",
            )
        )
        parts += [*source.choices(_WORDS, k=5), piece]
        length = len(" ".join(parts))
    return " ".join(parts)[:size]
