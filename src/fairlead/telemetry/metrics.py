"""Prometheus metrics of Decisions, in a registry of their own."""

from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from fairlead.core import Decision
from fairlead.telemetry.conventions import (
    BYPASSES,
    COVERAGE_FAILURES,
    DECISIONS,
    GUARD_SECONDS,
    MAX_SERIES,
    NEAR_MISSES,
    OTHER,
    PSEUDONYMS,
    REFUSED_KEYS,
    SHADOW_EXCHANGES,
    UPSTREAM_REQUESTS,
    Metric,
    safe_name,
)

_US = 1e-6
_Key = tuple[str, str, str, str]


class _Series(NamedTuple):
    """What one combination of labels counts with, looked up once."""

    decisions: Counter
    near_misses: Counter
    bypasses: Counter
    coverage_failures: Counter
    guard_seconds: Histogram


class Metrics:
    """The counters of one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry(auto_describe=True)
        self._decisions = self._counter(DECISIONS)
        self._near_misses = self._counter(NEAR_MISSES)
        self._bypasses = self._counter(BYPASSES)
        self._coverage_failures = self._counter(COVERAGE_FAILURES)
        self._upstreams = self._counter(UPSTREAM_REQUESTS)
        self._shadowed = self._counter(SHADOW_EXCHANGES)
        self._pseudonyms = self._counter(PSEUDONYMS)
        self._refused_keys = self._counter(REFUSED_KEYS)
        self._asked: dict[tuple[str, str], Counter] = {}
        buckets = GUARD_SECONDS.buckets
        self._guard_seconds = Histogram(
            GUARD_SECONDS.name, GUARD_SECONDS.help, GUARD_SECONDS.labels, buckets=buckets, registry=self._registry
        )
        self._series: dict[_Key, _Series] = {}

    def observe(self, decision: Decision) -> None:
        """Count one Decision."""
        key = (decision.system, decision.stage, decision.action, decision.rule)
        series = self._series.get(key) or self._make(key)
        series.decisions.inc()
        series.guard_seconds.observe(decision.took_us * _US)
        if decision.near_miss:
            series.near_misses.inc()
        if decision.state == "bypassed":
            series.bypasses.inc()
        for outcome, count in (("restored", decision.restored), ("unknown", decision.unrestored)):
            if count:
                self._pseudonyms.labels(system=safe_name(decision.system), outcome=outcome).inc(count)
        for coverage in decision.coverage:
            if coverage.status in ("errored", "timed_out"):
                series.coverage_failures.inc()

    def observe_upstream(self, name: str, outcome: str) -> None:
        """Count one request to an upstream; both are names that the policy and the gateway give."""
        counter = self._asked.get((name, outcome))
        if counter is None:
            counter = self._asked[name, outcome] = self._upstreams.labels(upstream=safe_name(name), outcome=outcome)
        counter.inc()

    def observe_refused_key(self, code: str) -> None:
        """Count one API key that was refused; the code is one of identity's."""
        self._refused_keys.labels(outcome=code).inc()

    def observe_shadow(self, outcome: str) -> None:
        """Count one Exchange that was drawn for a shadow; the outcome is a word of the gateway's own."""
        self._shadowed.labels(outcome=outcome).inc()

    def exposition(self) -> bytes:
        """Return the Prometheus text format."""
        return generate_latest(self._registry)

    def _make(self, key: _Key) -> _Series:
        system, stage, action, rule = (safe_name(value) for value in key)
        if len(self._series) >= MAX_SERIES:
            system = rule = OTHER
        series = _Series(
            decisions=self._decisions.labels(system=system, stage=stage, action=action, rule=rule),
            near_misses=self._near_misses.labels(system=system, stage=stage, rule=rule),
            bypasses=self._bypasses.labels(system=system, stage=stage),
            coverage_failures=self._coverage_failures.labels(system=system, stage=stage),
            guard_seconds=self._guard_seconds.labels(system=system, stage=stage),
        )
        if len(self._series) < MAX_SERIES:
            self._series[key] = series
        return series

    def _counter(self, metric: Metric) -> Counter:
        return Counter(metric.name, metric.help, metric.labels, registry=self._registry)
