"""What a Release decides, and what its id stands for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core import SEVERITY, Action, Decision, Finding
from fairlead.policy import Release, diff, explain
from fairlead.testing.policies import SMALL_POLICY, MeasuredRegistry, WordDetector, small_release

RULES = """\
fairlead: 1
system: s
owner: o
tier: {tier}
rules:
{rules}
"""


def release_of(*rules: str, tier: str = "high", extra: str = "") -> Release:
    return small_release(RULES.format(tier=tier, rules="\n".join(f"  - {{{rule}}}" for rule in rules)) + extra)


def card(score: float = 1.0, start: int = 0) -> Finding:
    return Finding(hazard="pii", entity="payment_card", score=score, span=(start, start + 4), path="/x", detector="patterns@1")


def injection(score: float, detector: str = "alpha@1") -> Finding:
    return Finding(hazard="prompt_injection", score=score, span=(0, 4), path="/x", detector=detector)


def test_the_id_stands_for_the_meaning_and_not_for_the_spelling() -> None:
    spelled = SMALL_POLICY.replace("at: output", "at: [output]").replace("0.5%", "0.005").replace("owner:", "# a comment\nowner:")
    assert small_release(spelled).id == small_release().id


@pytest.mark.parametrize(
    ("old", "new"),
    [("0.5%", "0.6%"), ("do: redact", "do: flag"), ("[user]", "[user, system]"), ("600", "601"), ("tier: high", "tier: limited")],
)
def test_the_id_changes_with_whatever_decides(old: str, new: str) -> None:
    assert small_release(SMALL_POLICY.replace(old, new)).id != small_release().id


def test_the_id_changes_with_the_cedar_file() -> None:
    assert small_release(cedar="forbid(principal, action, resource) when { false };").id != small_release().id


def test_a_rule_keeps_its_rate_over_all_its_detectors_and_says_who_stays_out() -> None:
    rule = small_release().rules[0]
    assert rule.thresholds == {"alpha@1": 0.995}
    assert rule.unmeasured == ("beta@1",)


def both_measured(lowest: float) -> MeasuredRegistry:
    words = [WordDetector(name, "prompt_injection", {}) for name in ("alpha@1", "beta@1")]
    return MeasuredRegistry(words, {"alpha@1": 0.001, "beta@1": lowest})


def test_detectors_that_are_both_measured_share_the_rate() -> None:
    rule = small_release(registry=both_measured(0.002)).rules[0]
    assert rule.thresholds == {"alpha@1": 0.9975, "beta@1": 0.9975}
    # Half of 0.5% is less than the second one carries, so the first has the whole rate to itself.
    alone = small_release(registry=both_measured(0.004)).rules[0]
    assert (alone.thresholds, alone.unmeasured) == ({"alpha@1": 0.995}, ("beta@1",))


def test_the_id_changes_when_the_same_words_resolve_to_other_thresholds() -> None:
    assert small_release(registry=both_measured(0.002)).id != small_release(registry=both_measured(0.004)).id


def test_the_stage_gets_only_what_its_rules_need() -> None:
    release = small_release()
    assert [detector.id for detector in release.detectors_at("retrieval")] == ["alpha@1"]
    assert release.detectors_at("output") == ()
    assert release.scanner_at("retrieval") is None
    scanner = release.scanner_at("output")
    assert scanner is not None
    assert "pii" in scanner.hazards


def test_a_redaction_puts_a_typed_placeholder() -> None:
    ruling = release_of("id: a, at: output, entity: payment_card, do: redact").decide("output", [card()])
    assert (ruling.verdict, ruling.rule, ruling.edits[0].replacement) == ("redact", "a", "[PAYMENT_CARD]")


def test_a_replacement_puts_its_own_text() -> None:
    ruling = release_of("id: a, at: output, entity: pii, do: replace, with: gone").decide("output", [card()])
    assert [edit.replacement for edit in ruling.edits] == ["gone"]


def test_the_strictest_enforced_rule_decides_whatever_the_order() -> None:
    rules = ["id: a, at: output, entity: payment_card, do: redact", "id: b, at: output, entity: pii, do: block, say: refusal.personal_data"]
    for order in (rules, rules[::-1]):
        ruling = release_of(*order).decide("output", [card()])
        assert (ruling.verdict, ruling.rule) == ("block", "b")
        assert "personal data" in ruling.say
        assert ruling.edits == ()


def test_a_rule_in_shadow_gives_a_verdict_and_enforces_nothing() -> None:
    shadow = "id: b, at: output, entity: pii, do: block, mode: shadow"
    alone = release_of(shadow).decide("output", [card()])
    assert (alone.verdict, alone.mode, alone.edits) == ("block", "shadow", ())
    beside = release_of(shadow, "id: a, at: output, entity: payment_card, do: redact").decide("output", [card()])
    assert (beside.verdict, beside.mode, beside.shadow) == ("redact", "enforce", (("b", "block"),))


def test_a_policy_in_shadow_has_all_its_rules_in_shadow() -> None:
    ruling = release_of("id: a, at: output, entity: pii, do: block", extra="mode: shadow\n").decide("output", [card()])
    assert ruling.mode == "shadow"


def test_a_score_just_below_is_a_near_miss() -> None:
    release = release_of("id: a, at: retrieval, hazard: prompt_injection, threshold: 0.8, do: block")
    assert release.decide("retrieval", [injection(0.8)]).verdict == "block"
    assert release.decide("retrieval", [injection(0.75)]).near_miss
    assert not release.decide("retrieval", [injection(0.65)]).near_miss


def test_the_band_can_be_declared_for_one_rule() -> None:
    release = release_of("id: a, at: retrieval, hazard: prompt_injection, threshold: 0.8, near_miss_band: 0.3, do: block")
    assert release.decide("retrieval", [injection(0.55)]).near_miss


def test_a_stopped_attempt_at_a_tool_is_a_near_miss() -> None:
    assert release_of("id: a, at: tool_call, entity: pii, do: block").decide("tool_call", [card()]).near_miss


def test_a_stage_without_rules_allows() -> None:
    assert small_release().decide("handoff", [card()]).verdict == "allow"


@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from(["alpha@1", "beta@1", "other@1"])), max_size=6))
def test_more_findings_never_make_the_verdict_milder(seen: list[tuple[float, str]]) -> None:
    release = release_of(
        "id: a, at: retrieval, hazard: prompt_injection, threshold: 0.5, do: flag",
        "id: b, at: retrieval, hazard: prompt_injection, detector: beta, threshold: 0.9, do: block",
    )
    findings = [injection(score, detector) for score, detector in seen]
    ranks = [SEVERITY[release.decide("retrieval", findings[:count]).verdict] for count in range(len(findings) + 1)]
    assert ranks == sorted(ranks)


@pytest.mark.parametrize(
    ("tier", "extra", "closed"),
    [("high", "", True), ("minimal", "", False), ("minimal", "on_error: closed\n", True), ("high", "on_error: open\n", False)],
)
def test_the_tier_says_what_a_failed_guard_does(tier: str, extra: str, *, closed: bool) -> None:
    assert release_of("id: a, at: output, entity: pii, do: block", tier=tier, extra=extra).fails_closed is closed


def decided(action: Action) -> Decision:
    return Decision(
        id="d_1",
        exchange="x_1",
        tenant="t",
        system="s",
        release="sha256:0",
        stage="output",
        at_us=1,
        verdict="block",
        action=action,
        findings=(card(),),
    )


def test_an_incident_rule_holds_for_what_was_enforced() -> None:
    extra = "incidents: [{id: leak, when: {stage: output, action: block, hazard: pii}, severity: P1}]\n"
    release = release_of("id: a, at: output, entity: pii, do: block", extra=extra)
    assert [rule.id for rule in release.incidents_for(decided("block"))] == ["leak"]
    assert release.incidents_for(decided("allow")) == ()


def test_an_explanation_shows_every_rule_and_its_line() -> None:
    scores = explain(small_release(), "retrieval", [injection(0.9)])
    assert [(score.rule, score.where, score.score, score.threshold, score.held) for score in scores] == [
        ("no-injection", "fairlead.yaml:7", 0.9, 0.995, False)
    ]


def test_a_diff_names_what_newly_passes_by_its_rule() -> None:
    old = small_release()
    new = small_release(SMALL_POLICY.replace("  - {id: no-cards-out, at: output, entity: payment_card, do: redact}\n", ""))
    told = [(change.effect, change.rule, change.old, change.new) for change in diff(old, new)]
    assert told == [("passes", "no-cards-out", "redact", "allow")]
    assert [change.effect for change in diff(new, old)] == ["blocks"]


def test_a_diff_shows_the_scores_between_two_thresholds() -> None:
    old, new = (release_of(f"id: a, at: retrieval, hazard: prompt_injection, threshold: {score}, do: block") for score in (0.7, 0.9))
    changes = diff(old, new)
    assert all(change.effect == "passes" and "0.7 to 0.9" in change.subject for change in changes)
    assert changes


def test_a_diff_of_tools_names_tool_and_condition() -> None:
    text = SMALL_POLICY.replace(", provenance: {to: [user]}", "").replace("search_docs, allow: true", "search_docs, allow: false")
    found = {(change.effect, change.subject) for change in diff(small_release(), small_release(text))}
    assert found == {("passes", "send_email.to.provenance"), ("blocks", "search_docs.allow")}


def test_a_release_does_not_differ_from_itself() -> None:
    assert diff(small_release(), small_release()) == ()
