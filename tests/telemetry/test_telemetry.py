"""Metrics and spans: what they count, and that no content gets in (law 4)."""

import re
from typing import get_args

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from fairlead.core import Coverage, Finding
from fairlead.telemetry import METRICS, ExchangeTrace, Telemetry
from fairlead.telemetry.conventions import MAX_SERIES, Label
from fairlead.testing.decisions import decision

CANARY = "the canary: 4111 1111 1111 1111, mail bob@example.com\n"


def _value(telemetry: Telemetry, series: str) -> float:
    found = re.search(rf"^{re.escape(series)} (\S+)$", telemetry.exposition().decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_decisions_near_misses_bypasses_failures_and_times_are_counted() -> None:
    telemetry = Telemetry()
    failed = Coverage(path="/text", chars=3, status="timed_out", detectors=("a@1",))
    ran = Coverage(path="/text", chars=3, status="ran", detectors=("b@1",))
    telemetry.observe(decision(action="block", rule="no-secrets", took_us=180, near_miss=True, coverage=(failed, ran)))
    telemetry.observe(decision(action="block", rule="no-secrets", took_us=600, state="bypassed"))
    labels = 'stage="output",system="assistant"'
    assert _value(telemetry, f'fairlead_decisions_total{{action="block",rule="no-secrets",{labels}}}') == 2
    assert _value(telemetry, f'fairlead_near_misses_total{{rule="no-secrets",{labels}}}') == 1
    assert _value(telemetry, f"fairlead_bypasses_total{{{labels}}}") == 1
    assert _value(telemetry, f"fairlead_coverage_failures_total{{{labels}}}") == 1
    assert _value(telemetry, f'fairlead_guard_seconds_bucket{{le="0.00025",{labels}}}') == 1
    assert _value(telemetry, f"fairlead_guard_seconds_sum{{{labels}}}") == pytest.approx(0.00078)


def test_two_telemetries_share_nothing() -> None:
    one, two = Telemetry(), Telemetry()
    one.observe(decision())
    assert b"assistant" in one.exposition()
    assert b"assistant" not in two.exposition()


def test_labels_are_the_four_that_cannot_be_content_and_names_say_their_unit() -> None:
    for metric in METRICS:
        assert set(metric.labels) <= set(get_args(Label))
        assert re.fullmatch(r"fairlead_[a-z_]+", metric.name)
        assert (metric.kind == "histogram") == bool(metric.buckets) == metric.name.endswith("_seconds")
        assert list(metric.buckets) == sorted(metric.buckets)


def test_a_flood_of_names_does_not_grow_the_registry_without_bound() -> None:
    telemetry = Telemetry()
    for number in range(MAX_SERIES + 50):
        telemetry.observe(decision(rule=f"rule-{number}"))
    assert _value(telemetry, 'fairlead_decisions_total{action="allow",rule="other",stage="output",system="other"}') == 50


def _canary_everywhere() -> dict[str, object]:
    return {
        "id": CANARY, "exchange": CANARY, "tenant": CANARY, "system": CANARY, "release": CANARY, "rule": CANARY, "fingerprint": CANARY,
        "trajectory": CANARY, "tool": CANARY, "approval": CANARY, "capture": CANARY,
        "findings": (Finding(hazard=CANARY, score=1.0, span=(0, 1), path=CANARY, detector=CANARY, entity=CANARY, view=CANARY),),
        "coverage": (Coverage(path=CANARY, chars=1, status="errored", detectors=(CANARY,), reason=CANARY),),
    }  # fmt: skip


def _exported(sample: float, *traces: ExchangeTrace) -> str:
    exporter = InMemorySpanExporter()
    telemetry = Telemetry(sample=sample, exporter=exporter)
    for trace in traces:
        telemetry.trace(trace)
    telemetry.close()
    return "".join(span.to_json() for span in exporter.get_finished_spans())


def _trace(**fields: object) -> ExchangeTrace:
    plain = {"exchange": "x_1", "tenant": "t1", "system": "assistant", "release": "sha256:0", "provider": "openai", "model": "gpt-x"}
    times = {"started_us": 1_764_000_000_000_000, "ended_us": 1_764_000_000_500_000, "decisions": (decision(rule="r", took_us=5),)}
    return ExchangeTrace(**(plain | times | fields))


def test_a_canary_in_every_field_reaches_no_metric_and_no_span() -> None:
    telemetry = Telemetry()
    telemetry.observe(decision(**_canary_everywhere(), near_miss=True))
    names = dict.fromkeys(("exchange", "tenant", "system", "release", "provider", "model", "trajectory", "error"), CANARY)
    told = telemetry.exposition().decode() + _exported(1.0, _trace(**names, decisions=(decision(**_canary_everywhere()),)))
    assert "output" in told
    for word in ("canary", "4111", "bob", "example.com"):
        assert word not in told


def test_a_span_has_the_conventions_names_and_its_decisions() -> None:
    told = _exported(1.0, _trace(input_tokens=12, output_tokens=3, trajectory="t_1"))
    attributes = {
        "gen_ai.operation.name": '"chat"',
        "gen_ai.provider.name": '"openai"',
        "gen_ai.usage.input_tokens": "12",
        "gen_ai.conversation.id": '"t_1"',
        "fairlead.rule": '"r"',
        "fairlead.took_us": "5",
    }
    for part in ('"name": "chat gpt-x"', "2025-11-24T16:00:00.500000Z", *(f'"{name}": {value}' for name, value in attributes.items())):
        assert part in told, part


def test_sampling_depends_on_the_exchange_alone() -> None:
    traces = [_trace(exchange=f"x_{number}") for number in range(400)]
    first, second = _exported(0.25, *traces), _exported(0.25, *reversed(traces))
    found = re.findall(r'"fairlead.exchange": "(x_\d+)"', first)
    assert set(found) == set(re.findall(r'"fairlead.exchange": "(x_\d+)"', second))
    assert 60 <= len(found) <= 140
    assert not Telemetry(sample=1.0).traced("x_1")  # without an exporter nothing is traced
