"""Rules of thumb for instructions that don't belong where they stand: overrides, jailbreak frames, faked protocol.

They are phrases that the field's public attack collections share. They miss a polite or a new wording; that is what trained heads
and, for tool paths, the broker are for.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, cached_property
from typing import NamedTuple

import re2

from fairlead.core import UNTRUSTED, Origin
from fairlead.detectors.card import Card, read_card
from fairlead.detectors.model import Hit, Runs
from fairlead.detectors.text import Text
from fairlead.detectors.view import View


class Rule(NamedTuple):
    """One phrase and what it weighs, by who wrote it."""

    hazard: str
    expression: "re.Pattern[str]"
    asked: float
    """Score in a user's message."""
    planted: float
    """Score in data: a document, a tool's result."""


def _rule(hazard: str, expression: str, asked: float, planted: float) -> Rule:
    return Rule(hazard, re.compile(expression, re.IGNORECASE | re.ASCII), asked, planted)


_TARGET = r"(?:all |any |your |the |my |these |of |previous |prior |above |earlier |preceding |existing |system |initial ){1,5}"
RULES: tuple[Rule, ...] = (
    _rule(
        "prompt_injection",
        rf"\b(?:ignore|disregard|forget|override|bypass|discard)\s+{_TARGET}"
        r"(?:instructions?|prompts?|rules?|guidelines?|directions?|commands?|programming|constraints?)\b",
        0.95,
        0.99,
    ),
    _rule(
        "prompt_injection",
        r"\b(?:new|updated|real|actual|important)\s+(?:system\s+)?instructions?\s*(?:for (?:you|the (?:assistant|ai|model)))?\s*:",
        0.7,
        0.95,
    ),
    _rule(
        "prompt_injection",
        r"<\|?(?:im_start|im_end|system|endoftext)\|?>|\[/?INST\]|<<SYS>>|^\s*#{2,}\s*(?:system|instruction)\b",
        0.8,
        0.97,
    ),
    _rule("prompt_injection", r"(?:^|\n)\s*(?:system|assistant|developer)\s*(?:message|prompt|note|override)?\s*:\s*\S", 0.4, 0.85),
    _rule(
        "prompt_injection",
        r"\b(?:assistant|ai|chatbot|language model|llm|agent)s?\b[^.!?\n]{0,60}\b(?:must|should|shall|need to|have to|please|now)\b"
        r"[^.!?\n]{0,60}\b(?:send|email|e-mail|forward|call|invoke|transfer|post"
        r"|upload|delete|reveal|include|reply with|respond with|execute|run)\b",
        0.3,
        0.9,
    ),
    _rule(
        "prompt_injection",
        r"\b(?:do not|don't|never)\s+(?:tell|inform|mention|notify|alert)\b[^.!?\n]{0,40}\b(?:user|customer|human|anyone|operator)\b",
        0.4,
        0.85,
    ),
    _rule("prompt_injection", r"!\[[^\]]{0,80}\]\(https?://[^)\s]{1,200}\?[^)\s]{0,200}(?:=\{|=%7B|=\[|data=|q=|secret|token)", 0.6, 0.9),
    _rule(
        "jailbreak",
        r"\b(?:you are|act as|pretend (?:to be|you are)|roleplay as|become|simulate)\b[^.!?\n]{0,80}"
        r"\b(?:dan|stan|dude|aim|jailbroken|unrestricted|uncensored|unfiltered|evil|amoral)\b",
        0.95,
        0.95,
    ),
    _rule(
        "jailbreak",
        r"\bdo anything now\b|\b(?:developer|debug|god|dan|jailbreak) mode\b[^.!?\n]{0,40}\b(?:enabled|activated|on|enter|unlock)",
        0.95,
        0.95,
    ),
    _rule(
        "jailbreak",
        r"\b(?:without|no|free (?:of|from)|not bound by|ignoring)\s+(?:any |all |your |the |its |usual )*"
        r"(?:restrictions?|filters?|ethical|ethics|moral(?:s|ity)?|safety|guidelines|limitations?|censorship)\b",
        0.75,
        0.8,
    ),
    _rule("jailbreak", r"\b(?:never|do not|don't|cannot|must not)\s+(?:refuse|say no|decline|apologi[sz]e|warn)\b", 0.7, 0.75),
    _rule(
        "jailbreak",
        r"\bhypothetical(?:ly)?\b[^.!?\n]{0,60}\b(?:no (?:laws|rules)|anything is (?:legal|allowed)|evil|unethical)\b",
        0.75,
        0.75,
    ),
    _rule(
        "prompt_leak",
        r"\b(?:reveal|show|print|repeat|output|display|tell me|give me|what (?:is|are|were)|recite|dump|leak)\b[^.!?\n]{0,40}"
        r"\b(?:system prompt|initial (?:prompt|instructions?)|hidden (?:prompt|instructions?)"
        r"|(?:your|the) (?:original |exact |full )?(?:instructions?|prompt)(?: verbatim)?)\b",
        0.85,
        0.95,
    ),
)


class InjectionRules:
    """Scores a text by the phrases it holds; one Hit per phrase."""

    id = "injection-rules@2"
    runs: Runs = "whole"
    hazards: tuple[str, ...] = ("prompt_injection", "jailbreak", "prompt_leak")

    @cached_property
    def card(self) -> Card:
        """Return what the phrases do on public data; it promises no operating point."""
        return read_card(self.id)

    def detect(self, text: Text, origin: Origin) -> Sequence[Hit]:
        """Return what it sees; the same words weigh more in data than in a request.

        Args:
            text: The prepared text.
            origin: Who wrote it; system and developer messages are the application's own, and are not scored.
        """
        if origin in ("system", "developer"):
            return []
        planted = origin in UNTRUSTED
        hits: list[Hit] = []
        for view in text.readings:
            hits += _seen(view, planted=planted)
        return hits


def _seen(view: View, *, planted: bool) -> Iterator[Hit]:
    for rule in _candidates(view.text):
        match = rule.expression.search(view.text)
        if match:
            hit = Hit(match.start(), match.end(), rule.hazard, "", rule.planted if planted else rule.asked)
            yield hit.seen_in(view)._replace(view="" if view.kind == "normalised" else view.kind)


def _candidates(text: str) -> Sequence[Rule]:
    """Return the rules that can match at all."""
    # RE2 does not count the vertical tab as white space, Python does.
    found = _prefilter()(text.encode(errors="replace").replace(b"\x0b", b" "))
    if found == _NOTHING:
        return ()
    return [RULES[index - 1] for index in found if index] if 0 in found else RULES  # an engine that gave up decides nothing


@cache
def _prefilter() -> "Callable[[bytes], list[int]]":
    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False
    chosen = re2.Set.SearchSet(options)
    for expression in (r"\z", *(f"(?i){rule.expression.pattern}" for rule in RULES)):
        chosen.Add(expression)
    chosen.Compile()
    match: Callable[[bytes], list[int]] = chosen._set.Match  # noqa: SLF001 - the public wrapper costs five times the match
    return match


_NOTHING = [0]
"""What the prefilter answers when only its first pattern matches: the end of the text, which always does."""
_MEMORY = 32 << 20
"""Bytes that the prefilter may use."""
