"""What an Exchange and a tool call are charged, by the limits of the policy."""

import math
from collections.abc import Iterable
from typing import Final

from fairlead.core import Segment
from fairlead.guard.context import ExchangeContext
from fairlead.guard.ports import Charge
from fairlead.policy import PolicyDocument
from fairlead.wire import Usage

MINUTE_US: Final = 60_000_000
HOUR_US: Final = 60 * MINUTE_US
DAY_US: Final = 24 * HOUR_US
MICRO: Final = 1_000_000
"""Money is counted in millionths."""
CHARS_PER_TOKEN: Final = 4
"""Rough size of a token, until the model's server says how many there were."""


def tokens_in(segments: Iterable[Segment]) -> int:
    """Return about how many tokens texts are."""
    return sum(len(segment.text) for segment in segments) // CHARS_PER_TOKEN


def charges_of(context: ExchangeContext, model: str, usage: Usage) -> tuple[Charge, ...]:
    """Return what an Exchange is charged: of its key, its tenant and its user.

    Args:
        context: Who asks.
        model: Whose prices count.
        usage: Tokens that it takes, or is expected to take.
    """
    policy = context.release.policy
    charges: list[Charge] = []
    for kind, ceilings in policy.limits.subjects:
        prefix = "" if kind == "key" else f"{kind}."
        subject = {"key": context.key, "user": context.user}.get(kind, "")
        for name, ceiling, window_us in (
            ("requests_per_minute", ceilings.requests_per_minute, MINUTE_US),
            ("tokens_per_day", ceilings.tokens_per_day, DAY_US),
            ("cost_per_day", _micro(ceilings.cost_per_day), DAY_US),
        ):
            if ceiling is not None:
                amount = 1 if name == "requests_per_minute" else usage.read + usage.written
                amount = _cost(policy, model, usage) if name == "cost_per_day" else amount
                charges.append(Charge(prefix + name, _subject(context, kind, subject), amount, ceiling, window_us))
    return tuple(charges)


def tool_charge(context: ExchangeContext, tool: str) -> tuple[Charge, ...]:
    """Return what one call of a tool is charged; nothing where the policy sets no limit."""
    limit = context.release.policy.limits.per.tool.get(tool)
    if limit is None:
        return ()
    return (Charge("tool.calls_per_hour", _subject(context, "tool", tool), 1, limit.calls_per_hour, HOUR_US),)


def _subject(context: ExchangeContext, kind: str, name: str) -> str:
    # The lengths keep tenant "a/b" with key "c" apart from tenant "a" with key "b/c".
    return "".join(f"{len(part)}:{part}" for part in (context.release.policy.system, context.tenant, kind, name))


def _micro(money: float | None) -> int | None:
    return None if money is None else max(1, round(money * MICRO))


def _cost(policy: PolicyDocument, model: str, usage: Usage) -> int:
    prices = policy.limits.cost_per_million
    price = prices.get(model)
    read, written = (price.read, price.written) if price is not None else (0.0, 0.0)
    if price is None:
        read, written = max(one.read for one in prices.values()), max(one.written for one in prices.values())
    return math.ceil(usage.read * read + usage.written * written)
