"""The cascade: dear detectors are asked only in doubt and in time, and one that was not asked is never a pass."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core import Coverage, Origin, Problems, Segment
from fairlead.detectors import Hit, Registry, Text
from fairlead.guard import ExchangeContext, Spot, StageOutcome, StreamGuard, check_stage, drive
from fairlead.policy import Release
from fairlead.testing.clock import FixedClock
from fairlead.testing.guards import ScriptedPorts
from fairlead.testing.policies import MeasuredRegistry, WordDetector, small_release

HEADER = "fairlead: 1\nsystem: s\nowner: o\n"
RULES = """\
rules:
  - {id: fast, at: [input, output], hazard: prompt_injection, detector: fast, threshold: 0.8, do: block}
  - {id: slow, at: [input, output], hazard: prompt_injection, detector: slow, threshold: 0.5, do: block}
"""
INPUT = Spot("input", "request")


class SlowDetector(WordDetector):
    """A dear one: each text takes so many microseconds of the test's clock."""

    cost = "dear"

    def __init__(self, clock: FixedClock, took_us: int = 0) -> None:
        super().__init__("slow@1", "prompt_injection", {"attack": 0.9})
        self.clock, self.took_us = clock, took_us
        self.asked: list[str] = []

    def detect(self, text: Text, origin: Origin) -> Sequence[Hit]:
        """Take its time."""
        self.asked.append(text.original)
        self.clock.advance(self.took_us)
        return super().detect(text, origin)


class Bench:
    """A policy, a clock, and a fast and a dear detector."""

    def __init__(self, settings: str = "", *, tier: str = "high", took_us: int = 0) -> None:
        self.scripted = ScriptedPorts()
        self.slow = SlowDetector(self.scripted.clock, took_us)
        fast = WordDetector("fast@1", "prompt_injection", {"hm": 0.3, "ignore": 0.9})
        self.registry: Registry = MeasuredRegistry([fast, self.slow], {"fast@1": 0.001})
        self.release: Release = small_release(f"{HEADER}tier: {tier}\n{settings}\n{RULES}", registry=self.registry)
        self.context = ExchangeContext(release=self.release, exchange="x_1", tenant="t1")

    def check(self, *texts: str) -> StageOutcome:
        segments = [Segment(path=f"/{at}", origin="user", stage="input", text=text) for at, text in enumerate(texts)]
        return drive(check_stage(self.context, INPUT, segments), self.scripted.ports)


def of_slow(outcome: StageOutcome) -> list[Coverage]:
    return [entry for entry in outcome.decision.coverage if "slow@1" in entry.detectors]


ZONE = "cascade: {prompt_injection: {from: 0.2}}"


def test_without_a_zone_the_dear_one_is_asked_about_every_text() -> None:
    bench = Bench()
    assert bench.check("an attack", "good day").action == "block"
    assert bench.slow.asked == ["an attack", "good day"]


def test_in_a_cascade_it_is_asked_only_about_texts_in_doubt_and_the_others_say_so() -> None:
    bench = Bench(ZONE)
    outcome = bench.check("hm, an attack", "an attack")
    assert (outcome.action, outcome.decision.rule) == ("block", "slow")
    assert bench.slow.asked == ["hm, an attack"]
    assert [(entry.path, entry.status, entry.reason) for entry in of_slow(outcome)] == [
        ("/0", "ran", ""),
        ("/1", "skipped", "the fast detectors are not in doubt"),
    ]


def test_what_a_fast_one_stops_is_not_asked_about() -> None:
    bench = Bench(ZONE)
    assert bench.check("ignore this attack").decision.rule == "fast"
    assert bench.slow.asked == []


def test_a_rate_gives_the_score_where_the_zone_begins() -> None:
    # The registry promises a rate r at 1 - r: 0.29 and 0.31; the word has 0.3.
    asked = [Bench(f"cascade: {{prompt_injection: {{max_fpr: {rate}}}}}") for rate in ("71%", "69%")]
    assert [bench.check("hm, an attack").action for bench in asked] == ["block", "allow"]


def test_a_stream_is_asked_about_in_the_same_way_at_its_end() -> None:
    bench = Bench(ZONE)
    for text in ("hm, an attack", "an attack"):
        stream = StreamGuard(bench.context)
        stream.feed(0, "content", text)
        outcome = drive(stream.finish(), bench.scripted.ports)
        assert outcome.decision.verdict == ("block" if text.startswith("hm") else "allow")
    assert bench.slow.asked == ["hm, an attack"]


@given(st.lists(st.sampled_from(["hm", "attack", "ignore", "good", "day"]), max_size=6), st.floats(0.0, 1.0))
def test_a_cascade_never_stops_what_asking_everywhere_would_let_pass(words: list[str], start: float) -> None:
    text = " ".join(words) or "nothing"
    narrow, wide = Bench(f"cascade: {{prompt_injection: {{from: {start:.4f}}}}}"), Bench()
    if narrow.check(text).action == "block":
        assert wide.check(text).action == "block"
    elif wide.check(text).action == "block":
        assert [entry.status for entry in of_slow(narrow.check(text))] == ["skipped"]


# Late


def test_a_system_of_the_lowest_tier_goes_on_without_it_when_late_and_that_is_no_pass() -> None:
    bench = Bench(tier="minimal")
    bench.context.pace.used_us = 150_000 * 2
    outcome = bench.check("an attack")
    assert bench.slow.asked == []
    assert (outcome.action, outcome.decision.state, outcome.decision.rule) == ("allow", "bypassed", "guard:late")
    assert [(entry.status, entry.reason) for entry in of_slow(outcome)] == [
        ("skipped", "late: the guard's time is used up and the policy lets this give way")
    ]


def test_the_ladder_has_rungs() -> None:
    # `model` is the second of the usual rungs, so it gives way at twice the budget.
    bench = Bench(tier="minimal")
    bench.context.pace.used_us = 299_999
    assert bench.check("an attack").action == "block"


@pytest.mark.parametrize("tier", ["limited", "high"])
def test_other_tiers_wait_unless_their_policy_says_otherwise(tier: str) -> None:
    bench = Bench(tier=tier)
    bench.context.pace.used_us = 10**9
    assert bench.check("an attack").action == "block"
    named = Bench("latency: {budget_ms: 100, degrade: slow}", tier=tier)
    named.context.pace.used_us = 100_000
    assert named.check("an attack").decision.state == "bypassed"


def test_the_time_of_earlier_stages_counts() -> None:
    bench = Bench("latency: {budget_ms: 100, degrade: [slow]}", took_us=60_000)
    assert bench.check("good day").decision.state == "final"
    assert bench.check("good day").decision.state == "final"
    assert bench.check("good day").decision.state == "bypassed"
    assert len(bench.slow.asked) == 2


@pytest.mark.parametrize(("settings", "action", "state"), [("", "block", "final"), ("on_error: open", "allow", "bypassed")])
def test_after_the_deadline_it_timed_out_and_on_error_decides(settings: str, action: str, state: str) -> None:
    bench = Bench(f"latency: {{deadline_ms: 200}}\n{settings}")
    bench.context.pace.used_us = 200_000
    outcome = bench.check("an attack")
    assert (outcome.action, outcome.decision.state) == (action, state)
    assert [(entry.status, entry.reason) for entry in of_slow(outcome)] == [("timed_out", "the guard's deadline was over")]


def test_what_the_fast_ones_see_is_enforced_however_late_it_is() -> None:
    bench = Bench("latency: {degrade: [slow]}")
    bench.context.pace.used_us = 10**9
    assert bench.check("ignore this").decision.rule == "fast"


# Refused


@pytest.mark.parametrize(
    ("settings", "line", "what"),
    [
        ("cascade: {jailbreak: {from: 0.2}}", 5, "no rule asks a dear detector about 'jailbreak'"),
        ("cascade: {prompt_injection: {max_fpr: 0.01%}}", 5, "never measured"),
        ("cascade: {prompt_injection: {}}", 5, "begins at one score or rate"),
        ("latency: {degrade: [slwo]}", 5, "there is no dear detector 'slwo'"),
        ("latency: {budget_ms: 100, deadline_ms: 50}", 5, "shorter than the budget"),
    ],
)
def test_what_can_t_be_is_refused_with_its_line(settings: str, line: int, what: str) -> None:
    with pytest.raises(Problems) as refused:
        Bench(settings)
    assert [(problem.where, bool(problem.mend)) for problem in refused.value.problems] == [(f"fairlead.yaml:{line}", True)]
    assert what in str(refused.value.problems[0])


def test_a_zone_that_no_fast_detector_can_open_is_refused() -> None:
    rules = "rules:\n  - {id: slow, at: input, hazard: prompt_injection, detector: slow, threshold: 0.5, do: block}\n"
    with pytest.raises(Problems, match="refused") as refused:
        small_release(f"{HEADER}tier: high\n{ZONE}\n{rules}", registry=Bench().registry)
    assert "no fast detector" in str(refused.value.problems[0])
