"""From a model's answer to a score: how sure it was of the word that is its verdict.

The score is the probability of the positive word among both words, at the token where the verdict stands, from the server's
``top_logprobs``. A server that gives none leaves only the word: 1 or 0.
"""

import math
import re
from collections.abc import Iterable

import msgspec

from fairlead.core import decode
from fairlead.integrations.remote.asks import unreadable


class _Word(msgspec.Struct):
    token: str
    logprob: float


class _Token(msgspec.Struct):
    token: str
    logprob: float = 0.0
    top_logprobs: list[_Word] = []


class _ChatProbs(msgspec.Struct):
    content: list[_Token] | None = None


class _Message(msgspec.Struct):
    content: str | None = None


class _ChatChoice(msgspec.Struct):
    message: _Message
    logprobs: _ChatProbs | None = None


class _Chat(msgspec.Struct):
    choices: list[_ChatChoice]


class _TextProbs(msgspec.Struct):
    tokens: list[str] = []
    top_logprobs: list[dict[str, float] | None] | None = None


class _TextChoice(msgspec.Struct):
    text: str
    logprobs: _TextProbs | None = None


class _Completion(msgspec.Struct):
    choices: list[_TextChoice]


class Answer(msgspec.Struct, frozen=True):
    """What a model wrote, and the alternatives at each token."""

    text: str
    tokens: tuple[tuple[str, tuple[tuple[str, float], ...]], ...] = ()
    """Token, and each alternative with its log probability."""

    def probability(self, verdict: re.Pattern[str], positive: str, negative: str) -> float:
        """Return how sure the model was of the positive word.

        Args:
            verdict: Its first group is the word.
            positive: The word that means a finding, lower case.
            negative: The other one.

        Raises:
            InvalidInput: The verdict is not there.
        """
        found = verdict.search(self.text)
        if found is None:
            raise unreadable()
        said = 1.0 if found[1].lower() == positive else 0.0
        written = "".join(token for token, _ in self.tokens)
        place = verdict.search(written)
        if place is None:
            return said
        start = 0
        for token, others in self.tokens:
            if start + len(token) > place.start(1):
                return _share(others, positive, negative, said)
            start += len(token)
        return said


def chat_answer(data: bytes) -> Answer:
    """Read a response of ``/chat/completions``.

    Raises:
        InvalidInput: It is none.
    """
    choices = decode(data, _Chat, where="the detector's answer").choices
    if not choices or choices[0].message.content is None:
        raise unreadable()
    probs = choices[0].logprobs
    tokens = probs.content if probs is not None and probs.content else []
    read = ((token.token, tuple((word.token, word.logprob) for word in token.top_logprobs)) for token in tokens)
    return Answer(choices[0].message.content, tuple(read))


def completion_answer(data: bytes) -> Answer:
    """Read a response of ``/completions``.

    Raises:
        InvalidInput: It is none.
    """
    choices = decode(data, _Completion, where="the detector's answer").choices
    if not choices:
        raise unreadable()
    probs = choices[0].logprobs
    if probs is None or probs.top_logprobs is None or len(probs.tokens) != len(probs.top_logprobs):
        return Answer(choices[0].text)
    read = ((token, tuple((others or {}).items())) for token, others in zip(probs.tokens, probs.top_logprobs, strict=True))
    return Answer(choices[0].text, tuple(read))


def _share(others: Iterable[tuple[str, float]], positive: str, negative: str, said: float) -> float:
    yes = no = 0.0
    for token, logprob in others:
        word = token.strip().lower()
        # A word may be cut into tokens: its beginning stands for it, unless the other word begins like that too.
        if word and positive.startswith(word) and not negative.startswith(word):
            yes += math.exp(min(logprob, 0.0))
        elif word and negative.startswith(word) and not positive.startswith(word):
            no += math.exp(min(logprob, 0.0))
    return yes / (yes + no) if yes + no > 0 else said
