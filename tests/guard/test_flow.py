"""The decision flow: what ran is named, a failure is never a pass, shadow enforces nothing, edits are made as their union."""

import asyncio
import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core import Action, Decision, Finding, Segment, Stage
from fairlead.detectors import Operators
from fairlead.guard import (
    ExchangeContext,
    Lever,
    Spot,
    StageOutcome,
    StreamGuard,
    ToolCall,
    ToolVerdict,
    adrive,
    check_stage,
    drive,
    guard_call,
    guard_output,
    guard_request,
)
from fairlead.guard.edits import apply_cuts, cuts_of
from fairlead.policy import Edit
from fairlead.testing.guards import FailingDetector, ScriptedPorts
from fairlead.testing.policies import MeasuredRegistry, WordDetector, small_release

CARD, SECRET = "4111 1111 1111 1111", "AKIA" + "IOSFODNN7EXAMPLQ"
WORDS = WordDetector("words@1", "prompt_injection", {"ignore": 0.9})
HEADER = "fairlead: 1\nsystem: s\nowner: o\ntier: high\n"
RULES = """\
rules:
  - {id: no-injection, at: [input, output, tool_call], hazard: prompt_injection, threshold: 0.5, do: block}
  - {id: no-cards, at: [input, output, tool_call], entity: payment_card, do: redact}
  - {id: no-secrets, at: [input, output, tool_call], entity: secret, do: block}
"""
INPUT = Spot("input", "request")


def context(settings: str = "", *, broken: bool = False, rules: str = RULES) -> ExchangeContext:
    """An Exchange under a policy with these settings; its head works, or raises."""
    detectors: list[WordDetector | FailingDetector] = [FailingDetector(), WORDS] if broken else [WORDS]
    release = small_release(HEADER + settings + rules, registry=MeasuredRegistry(detectors, {}))  # type: ignore[arg-type] # any detector will do
    return ExchangeContext(release=release, exchange="x_1", tenant="t1", key="key_1", model="m")


def segment(text: str, path: str = "/messages/0/content", stage: Stage = "input") -> Segment:
    return Segment(path=path, origin="user", stage=stage, text=text)


def check(where: ExchangeContext, text: str, path: str = "/messages/0/content", ports: ScriptedPorts | None = None) -> StageOutcome:
    return drive(check_stage(where, INPUT, (segment(text, path),)), (ports or ScriptedPorts()).ports)


def request(where: ExchangeContext, *segments: Segment, ports: ScriptedPorts | None = None) -> list[StageOutcome]:
    return drive(guard_request(where, segments or (segment("hello"),)), (ports or ScriptedPorts()).ports)


def statuses(decision: Decision) -> dict[str, tuple[str, ...]]:
    return {entry.status: entry.detectors for entry in decision.coverage}


# A detector that fails


def test_what_ran_and_what_errored_are_named_apart() -> None:
    where = context(broken=True)
    scanner = where.release.scanner_at("input")
    assert scanner is not None
    assert statuses(check(where, "hello").decision) == {"ran": (scanner.id, "words@1"), "errored": ("broken@1",)}


def test_a_detector_that_fails_stops_what_it_could_not_check() -> None:
    outcome = check(context(broken=True), "hello")
    assert outcome.failed
    assert outcome.stopped
    assert (outcome.decision.verdict, outcome.decision.action, outcome.decision.rule) == ("block", "block", "guard:failed")


def test_a_policy_that_fails_open_lets_it_pass_and_says_so() -> None:
    outcome = check(context("on_error: open\n", broken=True), "hello")
    assert not outcome.stopped
    assert (outcome.decision.action, outcome.decision.state, outcome.decision.rule) == ("allow", "bypassed", "guard:failed")
    assert statuses(outcome.decision)["errored"] == ("broken@1",)


def test_the_tier_minimal_fails_open_and_every_other_one_closed() -> None:
    for tier, stopped in (("minimal", False), ("limited", True), ("high", True)):
        where = context(broken=True, rules=RULES)
        release = small_release(
            HEADER.replace("high", tier) + RULES,
            registry=MeasuredRegistry([FailingDetector()], {}),  # type: ignore[list-item] # any detector will do
        )
        where = ExchangeContext(release=release, exchange="x_1", tenant="t1")
        assert check(where, "hello").stopped is stopped


def test_what_other_detectors_saw_is_enforced_when_one_fails_open() -> None:
    where = context("on_error: open\n", broken=True)
    outcome = check(where, f"my card {CARD}")
    assert (outcome.decision.action, outcome.decision.rule, outcome.decision.state) == ("redact", "no-cards", "bypassed")
    assert outcome.texts == {"/messages/0/content": "my card [PAYMENT_CARD]"}
    assert check(where, f"my key {SECRET}").decision.action == "block"
    assert check(where, "ignore it").decision.rule == "no-injection"


def test_a_block_that_stands_anyway_names_its_own_rule() -> None:
    outcome = check(context(broken=True), f"my key {SECRET}")
    assert (outcome.decision.rule, outcome.failed) == ("no-secrets", False)


def test_no_error_of_a_detector_gets_into_the_record() -> None:
    assert "hello" not in repr(check(context(broken=True), "hello").decision)


@pytest.mark.parametrize(
    ("settings", "expected"), [("", (True, "final", "block", "flag")), ("on_error: open\n", (False, "bypassed", "allow", "allow"))]
)
def test_a_detector_that_fails_at_the_end_of_a_stream(settings: str, expected: tuple[bool, str, Action, Action]) -> None:
    """Its text has left: the end marker must not say that all was checked."""
    guard, ports = StreamGuard(context(settings, broken=True)), ScriptedPorts().ports
    guard.feed(0, "content", "hello ")
    guard.close(0)
    outcome = drive(guard.finish(), ports)
    decision = outcome.decision
    assert (outcome.failed, decision.state, decision.verdict, decision.action) == expected
    assert outcome.decision.rule == "guard:failed"


# A port that fails

LIMITS = "limits: {requests_per_minute: 5, tokens_per_day: 1000}\n"


def test_limits_that_do_not_answer_stop_the_request() -> None:
    [outcome] = request(context(LIMITS), ports=ScriptedPorts(broken=frozenset({"limits"})))
    assert (outcome.failed, outcome.stopped, outcome.decision.rule) == (True, True, "guard:failed")


def test_limits_that_do_not_answer_are_recorded_when_the_policy_fails_open() -> None:
    first, second = request(context(f"{LIMITS}on_error: open\n"), ports=ScriptedPorts(broken=frozenset({"limits"})))
    assert (first.decision.state, first.decision.action, first.decision.rule) == ("bypassed", "allow", "guard:failed")
    assert (second.decision.state, second.decision.action) == ("final", "allow")
    assert first.decision.id != second.decision.id


@pytest.mark.parametrize("settings", ["", "on_error: open\n", "mode: shadow\n"])
def test_levers_that_cannot_be_read_stop_everything_whatever_the_policy_says(settings: str) -> None:
    ports = ScriptedPorts(broken=frozenset({"levers"}))
    [outcome] = request(context(settings), ports=ports)
    assert (outcome.failed, outcome.stopped) == (True, True)
    call = drive(guard_call(context(settings), ToolCall(tool="t", arguments=b"{}", path="/c"), (), place="call:0"), ports.ports)
    assert call.decision.rule == "lever:unreadable"
    assert call.stopped


@pytest.mark.parametrize("settings", ["", "on_error: open\n"])
def test_a_broker_that_fails_is_a_block(settings: str) -> None:
    ports = ScriptedPorts(broken=frozenset({"broker"}))
    outcome = drive(guard_call(context(settings), ToolCall(tool="t", arguments=b"{}", path="/c"), (), place="call:0"), ports.ports)
    assert (outcome.decision.action, outcome.decision.rule) == ("block", "broker:failed")


def test_a_fingerprint_that_is_not_to_be_had_decides_nothing() -> None:
    outcome = check(context(), f"card {CARD}", ports=ScriptedPorts(broken=frozenset({"fingerprint"})))
    assert (outcome.decision.action, outcome.decision.fingerprint) == ("redact", "")


DROPPED = ToolCall(tool="t", arguments=b'{"a": "ignore it"}', call="c1", path="/c")


def test_a_call_that_the_detectors_stop_is_given_back() -> None:
    ports = ScriptedPorts()
    outcome = drive(guard_call(context(), DROPPED, (), place="call:0"), ports.ports)
    assert (outcome.action, ports.settled) == ("block", [("c1", False)])


@pytest.mark.parametrize("action", ["allow", "block", "require_approval"])
def test_nothing_is_given_back_of_a_call_that_may_be_made_or_was_never_allowed(action: Action) -> None:
    ports = ScriptedPorts(verdict=ToolVerdict(action=action, rule="tools.t"))
    raw = b"{}" if action == "allow" else DROPPED.arguments
    drive(guard_call(context(), ToolCall(tool="t", arguments=raw, call="c1", path="/c"), (), place="call:0"), ports.ports)
    assert ports.settled == []


def test_a_call_that_cannot_be_given_back_is_stopped_all_the_same() -> None:
    ports = ScriptedPorts(broken=frozenset({"settling"}))
    assert drive(guard_call(context(), DROPPED, (), place="call:0"), ports.ports).action == "block"


async def _both(where: ExchangeContext, ports: ScriptedPorts) -> StageOutcome:
    return await adrive(check_stage(where, INPUT, (segment(f"card {CARD} " + "x" * 20_000),)), ports.ports)


def test_the_async_driver_decides_as_the_sync_one_does() -> None:
    where, ports = context(), ScriptedPorts()
    expected = drive(check_stage(where, INPUT, (segment(f"card {CARD} " + "x" * 20_000),)), ports.ports)
    assert asyncio.run(_both(where, ports)) == expected


# Shadow

SHADOW = "mode: shadow\nunknown: block\nlimits: {requests_per_minute: 1}\n"


@pytest.mark.parametrize(("text", "verdict"), [(f"key {SECRET}", "block"), (f"card {CARD}", "redact"), ("ignore it", "block")])
def test_a_policy_in_shadow_records_its_verdict_and_enforces_nothing(text: str, verdict: Action) -> None:
    outcome = check(context(SHADOW), text)
    assert (outcome.decision.verdict, outcome.decision.action, outcome.decision.mode) == (verdict, "allow", "shadow")
    assert outcome.texts == {}
    assert not outcome.stopped


def test_a_policy_in_shadow_stops_at_no_limit_no_unknown_field_no_failure() -> None:
    ports, where = ScriptedPorts(), context(SHADOW, broken=True)
    request(where, ports=ports)
    flow = guard_request(where, (segment("hello"),), (segment("x", "/new"),))
    limited, unknown = drive(flow, ports.ports)
    assert (limited.decision.rule, limited.decision.verdict, limited.decision.action) == ("limit:requests_per_minute", "block", "allow")
    assert (unknown.decision.rule, unknown.decision.verdict, unknown.decision.action) == ("unknown", "block", "allow")
    assert unknown.decision.state == "bypassed"
    answer = drive(guard_output(where, (segment("hi", "/c", "output"),), (segment("x", "/new", "output"),)), ports.ports)
    assert (answer.decision.verdict, answer.decision.action, answer.decision.mode) == ("block", "allow", "shadow")


def test_a_broker_in_shadow_holds_no_call_back() -> None:
    ports = ScriptedPorts(verdict=ToolVerdict(action="require_approval", rule="tools.t", approval="apr_1"))
    outcome = drive(guard_call(context(SHADOW), ToolCall(tool="t", arguments=b"{}", path="/c"), (), place="call:0"), ports.ports)
    assert (outcome.decision.verdict, outcome.decision.action, outcome.decision.mode) == ("require_approval", "allow", "shadow")


def test_a_stream_in_shadow_loses_nothing() -> None:
    guard, ports = StreamGuard(context(SHADOW)), ScriptedPorts().ports
    text = f"card {CARD}, key {SECRET}, ignore it"
    out = "".join(guard.feed(0, "content", letter).text for letter in text) + "".join(part.text for _, part in guard.close(0))
    decision = drive(guard.finish(), ports).decision
    assert (out, decision.verdict, decision.action) == (text, "block", "allow")


@pytest.mark.parametrize("kind_target", [("system", "s"), ("tenant", "t1"), ("model", "m"), ("key", "key_1")])
def test_a_lever_holds_in_shadow_too(kind_target: tuple[str, str]) -> None:
    lever = Lever(id="lev_1", kind=kind_target[0], target=kind_target[1], by="a", at_us=1)  # type: ignore[arg-type] # one of its kinds
    [outcome] = request(context(SHADOW), ports=ScriptedPorts(levers=(lever,)))
    assert (outcome.decision.action, outcome.decision.rule) == ("block", f"lever:{lever.kind}")


def test_one_rule_in_shadow_takes_nothing_from_the_others() -> None:
    rules = RULES.replace("entity: secret, do: block}", "entity: secret, do: block, mode: shadow}")
    outcome = check(context(rules=rules), f"card {CARD} key {SECRET}")
    assert (outcome.decision.action, outcome.texts["/messages/0/content"]) == ("redact", f"card [PAYMENT_CARD] key {SECRET}")
    alone = check(context(rules=rules), f"key {SECRET}").decision
    assert (alone.verdict, alone.action, alone.mode, alone.rule) == ("block", "allow", "shadow", "no-secrets")


# Requests


def test_a_request_without_any_text_has_its_decision() -> None:
    [outcome] = drive(guard_request(context(), ()), ScriptedPorts().ports)
    assert (outcome.decision.stage, outcome.decision.action, outcome.decision.coverage) == ("input", "allow", ())


def test_a_key_that_a_rule_would_edit_is_stopped() -> None:
    outcome = check(context(), f"card {CARD}", "/metadata/#0#key")
    assert (outcome.decision.verdict, outcome.decision.action, outcome.texts) == ("redact", "block", {})


def test_every_stage_of_a_request_has_a_decision_until_one_stops_it() -> None:
    segments = (segment("hello"), segment(f"key {SECRET}", "/b"), segment("result", "/c", "tool_result"))
    assert [outcome.decision.stage for outcome in request(context(), *segments)] == ["input"]
    fine = (segment("hello"), segment("doc", "/b", "retrieval"), segment("result", "/c", "tool_result"))
    assert [outcome.decision.stage for outcome in request(context(), *fine)] == ["input", "retrieval", "tool_result"]


def test_a_call_that_would_need_an_edit_is_stopped() -> None:
    call = ToolCall(tool="t", arguments=f'{{"q": "{CARD}"}}'.encode(), path="/c")
    outcome = drive(guard_call(context(), call, (), place="call:0"), ScriptedPorts().ports)
    assert (outcome.decision.verdict, outcome.decision.action, outcome.texts) == ("redact", "block", {})


# Edits


def edits(spans: Sequence[tuple[int, int]]) -> list[Edit]:
    return [Edit(Finding(hazard="pii", score=1.0, span=span, path="/p", detector="d@1"), f"[{index}]") for index, span in enumerate(spans)]


NO_KEY = Operators(b"")
SPANS = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 12)).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=8)


@given(SPANS)
def test_edits_are_made_as_the_union_of_their_spans(spans: list[tuple[int, int]]) -> None:
    text = "".join(chr(0x4E00 + index) for index in range(60))
    cuts = cuts_of(edits(spans), text, NO_KEY)
    covered = {place for start, end in spans for place in range(start, end)}
    assert {place for cut in cuts for place in range(cut.start, cut.end)} == covered
    assert all(first.end <= second.start for first, second in itertools.pairwise(cuts))
    kept = "".join(letter for letter in apply_cuts(text, cuts) if letter in text)
    assert kept == "".join(letter for place, letter in enumerate(text) if place not in covered)


@given(SPANS, st.permutations(range(8)))
def test_the_order_in_which_edits_are_given_changes_no_cut(spans: list[tuple[int, int]], order: list[int]) -> None:
    shuffled = [spans[index] for index in order if index < len(spans)]
    one, other = (cuts_of(edits(given), "x" * 60, NO_KEY) for given in (spans, shuffled))
    assert [cut[:2] for cut in one] == [cut[:2] for cut in other]
