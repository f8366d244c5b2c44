"""Every name that telemetry uses, in one table: Prometheus metrics with their buckets, span attributes with where each name comes from.

OpenTelemetry's GenAI conventions are all in development and have no settled convention for guardrails, so what they name is taken from
them (semantic-conventions-genai, August 2026) and the rest is ``fairlead.*``.
"""

import re
from typing import Literal, NamedTuple

SCHEMA = "fairlead-telemetry/1"
"""Version of these names; it changes when one changes its meaning."""

Label = Literal["system", "stage", "action", "rule", "upstream", "outcome"]
"""The only labels that a metric may have: their values come from the policy or from closed lists, so they are few and no content."""


class Metric(NamedTuple):
    """One metric."""

    name: str
    kind: Literal["counter", "histogram"]
    help: str
    labels: tuple[Label, ...]
    buckets: tuple[float, ...] = ()
    """Upper bounds, in the unit that the name says."""


DECISIONS = Metric("fairlead_decisions", "counter", "Decisions by what was enforced.", ("system", "stage", "action", "rule"))
NEAR_MISSES = Metric(
    "fairlead_near_misses", "counter", "Decisions just below their threshold, or stopped at a critical path.", ("system", "stage", "rule")
)
BYPASSES = Metric("fairlead_bypasses", "counter", "Stages that went on unguarded under a policy that fails open.", ("system", "stage"))
COVERAGE_FAILURES = Metric("fairlead_coverage_failures", "counter", "Texts on which a detector errored or timed out.", ("system", "stage"))
GUARD_SECONDS = Metric(
    "fairlead_guard_seconds",
    "histogram",
    "Time the guard took for one Stage, without the upstream.",
    ("system", "stage"),
    (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5),
)
UPSTREAM_REQUESTS = Metric("fairlead_upstream_requests", "counter", "Requests to models' servers by their end.", ("upstream", "outcome"))
SHADOW_EXCHANGES = Metric(
    "fairlead_shadow_exchanges", "counter", "Exchanges drawn for a policy that is tried in shadow, by what became of it.", ("outcome",)
)
REFUSED_KEYS = Metric("fairlead_refused_keys", "counter", "API keys that were refused, by the code of the error.", ("outcome",))
PSEUDONYMS = Metric(
    "fairlead_pseudonyms", "counter", "Pseudonyms in answers: their values put back, or nothing known of them.", ("system", "outcome")
)
METRICS: tuple[Metric, ...] = (
    DECISIONS,
    NEAR_MISSES,
    BYPASSES,
    COVERAGE_FAILURES,
    GUARD_SECONDS,
    UPSTREAM_REQUESTS,
    SHADOW_EXCHANGES,
    PSEUDONYMS,
    REFUSED_KEYS,
)

OTHER = "other"
"""Label value of what is beyond the cardinality cap, or not shaped like a name."""
MAX_SERIES = 2_000
"""Combinations of labels that get series of their own."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,99}")


def safe_name(value: str) -> str:
    """Return a value if it is shaped like a name (no spaces, at most 100 ASCII characters), else ``other``; empty stays empty."""
    return value if not value or _NAME.fullmatch(value) else OTHER


# Span attributes. From semantic-conventions-genai:
OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
MODEL = "gen_ai.request.model"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CONVERSATION = "gen_ai.conversation.id"
ERROR = "error.type"
# Our own:
EXCHANGE = "fairlead.exchange"
TENANT = "fairlead.tenant"
SYSTEM = "fairlead.system"
RELEASE = "fairlead.release"
DECISION_EVENT = "fairlead.decision"
STAGE = "fairlead.stage"
VERDICT = "fairlead.verdict"
ACTION = "fairlead.action"
RULE = "fairlead.rule"
MODE = "fairlead.mode"
STATE = "fairlead.state"
FINDINGS = "fairlead.findings"
TOOK_US = "fairlead.took_us"
