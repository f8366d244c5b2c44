"""Entities of a policy's own: a pattern or a list of words, with a check and context by name; refused when a stream can't decide them.

They are matched by RE2, in linear time whatever they are, leftmost-longest, and only where they stand alone.
"""

import re
from typing import Literal, NamedTuple

from fairlead.detectors.checks import CHECKS
from fairlead.detectors.edges import alone
from fairlead.detectors.errors import UnsupportedPattern
from fairlead.detectors.matcher import linear
from fairlead.detectors.model import Context, Pattern
from fairlead.detectors.prefix import LINEAR, closure_of

_LOOK_AROUND = re.compile(r"(?<!\\)\(\?<?[=!]")


class Custom(NamedTuple):
    """One entity as a policy describes it."""

    name: str
    hazard: Literal["pii", "secret"]
    pattern: str = ""
    words: tuple[str, ...] = ()
    """Words to find instead, whatever their case."""
    checksum: str = ""
    """Name of a check (``detectors.checks.CHECKS``)."""
    context: tuple[str, ...] = ()
    """Words one of which must stand before it."""


def custom_pattern(custom: Custom) -> Pattern:
    """Return the pattern of an entity of a policy.

    Args:
        custom: What the policy says.

    Raises:
        UnsupportedPattern: It can't be matched in linear time, or not be decided in a stream; the reason is given.
    """
    expression = custom.pattern
    if custom.words:
        expression = alone("(?i:" + "|".join(re.escape(word) for word in sorted(custom.words, key=len, reverse=True)) + ")")
    elif _LOOK_AROUND.search(expression):
        raise UnsupportedPattern("the pattern looks around", where=custom.name, mend="state what stands before it as 'context'")
    closure = closure_of(custom.name, expression, LINEAR)
    linear(custom.name, closure.full)
    words = "|".join(re.escape(word) for word in custom.context)
    return Pattern(
        name=custom.name,
        hazard=custom.hazard,
        expression=expression,
        source="the policy",
        example="",
        counter="",
        validator=CHECKS[custom.checksum] if custom.checksum else None,
        score=0.0 if words else 1.0,
        context=Context(words, 1.0) if words else None,
        checksum=custom.checksum or "none",
        linear=not custom.words,
    )
