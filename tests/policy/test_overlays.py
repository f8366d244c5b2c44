"""Overlays: they only tighten, in any order, once or twice; what loosens says so; what contradicts is refused with its lines."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core import ACTIONS, Finding, Problems
from fairlead.policy import Release, compile_release, diff, load_policy
from fairlead.testing.policies import MeasuredRegistry, WordDetector

WORDS = WordDetector("words@1", "prompt_injection", {"ignore": 0.9})
REGISTRY = MeasuredRegistry([WORDS], {"words@1": 0.001})
BASE = """\
fairlead: 1
system: s
owner: o
tier: high
unknown: scan
capture: sealed_sample
on_error: open
regions: {eu: [shop, bank]}
upstream:
  default: {provider: openai, base_url: "http://127.0.0.1:1/v1"}
  eu: {provider: openai, base_url: "http://127.0.0.1:2/v1"}
  us: {provider: openai, base_url: "http://127.0.0.1:3/v1", fallback: [default]}
rules:
  - {id: no-injection, at: [input], hazard: prompt_injection, threshold: 0.8, do: flag}
  - {id: no-cards, at: output, entity: payment_card, do: redact}
tools:
  - {tool: send_email, allow: true, outputs: trusted}
limits: {requests_per_minute: 100}
"""


def compiled(overlays: Mapping[str, str], base: str = BASE) -> Release:
    return compile_release(load_policy("fairlead.yaml", base, REGISTRY), REGISTRY, overlays=overlays)


def overlay(name: str, body: str, applies: str = "tenant: shop") -> str:
    return f"fairlead: 1\noverlay: {name}\nfor: {{{applies}}}\n{body}\n"


def refused(overlays: Mapping[str, str], base: str = BASE) -> list[tuple[str, str]]:
    with pytest.raises(Problems) as caught:
        compiled(overlays, base)
    assert all(problem.mend for problem in caught.value.problems)
    return [(problem.where, problem.what) for problem in caught.value.problems]


# Whom it is for


def test_each_request_gets_its_overlays_and_everybody_else_the_base() -> None:
    release = compiled(
        {
            "overlays/eu.yaml": overlay("eu", "unknown: block", "region: eu"),
            "overlays/shop.yaml": overlay("shop", "on_error: closed"),
            "overlays/big.yaml": overlay("big", "limits: {requests_per_minute: 5}", "model: [big], api: openai_chat"),
        }
    )
    assert release.for_request("other") is release
    assert release.for_request("bank").overlays == ("eu",)
    assert release.for_request("shop").overlays == ("eu", "shop")
    assert release.for_request("shop", api="openai_chat", model="big").overlays == ("big", "eu", "shop")
    assert release.for_request("other", model="big").overlays == ()
    assert release.for_request("other", region="eu").overlays == ("eu",)
    # A tenant whose region the policy says is where it says.
    assert release.for_request("shop", region="us").overlays == ("eu", "shop")


def test_all_merged_policies_are_one_release() -> None:
    texts = {"overlays/shop.yaml": overlay("shop", "unknown: block")}
    release = compiled(texts)
    assert release.for_request("shop").id == release.id
    assert release.id != compiled({}).id
    assert release.id != compiled({"overlays/shop.yaml": overlay("shop", "on_error: closed")}).id
    assert release.id == compiled(texts).id


# What it changes


def test_what_an_overlay_tightens_holds_and_its_line_is_told() -> None:
    body = """\
unknown: block
capture: none
upstreams: [eu]
deny: [send_email]
retention_days: 7
limits: {requests_per_minute: 10, per: {tenant: {requests_per_minute: 50}}}
rules:
  - {id: no-injection, do: block, threshold: 0.5, at: [input, retrieval]}
  - {id: no-mail, at: output, entity: email, do: redact}
messages: {refusal.default: No.}
"""
    shop = compiled({"overlays/shop.yaml": overlay("shop", body)}).for_request("shop")
    policy = shop.policy
    assert (policy.unknown, policy.capture, policy.retention_days, policy.limits.requests_per_minute) == ("block", "none", 7, 10)
    assert policy.limits.per.tenant.requests_per_minute == 50
    assert [name for name in policy.upstream if shop.may_ask(name)] == ["eu"]
    assert shop.messages["refusal.default"] == "No."
    tool = shop.tool("send_email")
    assert tool is not None
    assert (tool.allow, tool.outputs) == (False, "trusted")
    changed, _, added = shop.rules
    assert (changed.action, changed.thresholds, changed.stages) == ("block", {"words@1": 0.5}, ("input", "retrieval"))
    assert changed.where == "fairlead.yaml:14, overlays/shop.yaml:11, overlays/shop.yaml:11, overlays/shop.yaml:11"
    assert (added.id, added.where) == ("no-mail", "overlays/shop.yaml:12")
    assert shop.set_at["unknown"] == "overlays/shop.yaml:4"


def test_what_loosens_says_so() -> None:
    body = "loosen:\n  - {reason: the desk reads cards, rules: [{id: no-cards, do: flag}]}\n  - {reason: its own fields, unknown: allow}"
    shop = compiled({"overlays/shop.yaml": overlay("shop", body)}).for_request("shop")
    assert (shop.rules[1].action, shop.policy.unknown) == ("flag", "allow")
    assert shop.set_at["unknown"] == "overlays/shop.yaml:6 (loosened: its own fields)"


@pytest.mark.parametrize(
    ("body", "line", "what"),
    [
        ("unknown: allow", 4, "'unknown' is milder than in the base"),
        ("on_error: open\nlimits: {requests_per_minute: 1000}", 5, "'limits.requests_per_minute' is milder than in the base"),
        ("rules:\n  - {id: no-cards, do: flag}", 5, "'rules.no-cards.do' is milder than in the base"),
        ("rules:\n  - {id: no-injection, threshold: 0.9}", 5, "'rules.no-injection.threshold' is milder than in the base"),
        ("rules:\n  - {id: no-injection, at: output}", 5, "'rules.no-injection.at' is milder than in the base"),
        ("capture: sealed_on_finding", 4, "'capture' is milder than in the base"),
        ("rules:\n  - {id: no-cards, entity: iban}", 5, "an overlay can't change 'entity' of the base's rule 'no-cards'"),
        ("rules:\n  - {id: no-injection, max_fpr: 5%}", 5, "the base's rule 'no-injection' has no 'max_fpr' that could be compared"),
        ("rules:\n  - {id: new, at: output, entity: mail, do: redact}", 5, "there is no entity 'mail'"),
        ("rules:\n  - {id: new, at: output, entity: email}", 5, "the key 'do' is missing in rules.2"),
        ("deny: [sned_email]", 4, "there is no tool 'sned_email'"),
        ("upstreams: [mars]", 4, "there is no upstream 'mars'"),
        ("upstreams: [us]", 4, "the upstream 'default' may not be asked"),
        ("upstreams: [eu]\nrules:\n  - {id: r, at: input, entity: iban, do: route, to: us}", 6, "the upstream 'us' may not be asked"),
        ("loosen: [{unknown: allow}]", 4, "the key 'reason' is missing in loosen.0"),
        ("unknwon: block", 4, "unknown key 'unknwon'"),
    ],
)
def test_what_may_not_be_is_refused_with_its_line(body: str, line: int, what: str) -> None:
    problems = refused({"overlays/shop.yaml": overlay("shop", body)})
    assert what in [said for _, said in problems]
    assert {where for where, _ in problems} <= {f"overlays/shop.yaml:{line}", "fairlead.yaml:12"}


def test_everything_that_is_wrong_is_told_at_once() -> None:
    problems = refused(
        {"overlays/a.yaml": overlay("a", "unknown: allow\non_eror: closed"), "overlays/b.yaml": overlay("b", "mode: shadow")}
    )
    assert [where for where, _ in problems] == ["overlays/a.yaml:5", "overlays/b.yaml:4"]


@pytest.mark.parametrize(
    ("one", "other", "what"),
    [
        ("loosen: [{reason: for the desk, unknown: allow}]", "unknown: block", "'unknown' is loosened, and set by another overlay"),
        (
            "loosen: [{reason: for the desk, unknown: allow}]",
            "loosen: [{reason: for the shop, unknown: scan}]",
            "'unknown' is loosened, and set by another overlay",
        ),
        ("messages: {refusal.default: a}", "messages: {refusal.default: b}", "'messages.refusal.default' is set in two ways"),
        (
            "rules: [{id: n, at: output, entity: iban, do: redact}]",
            "rules: [{id: n, at: output, entity: iban, do: block}]",
            "the rule 'n' is added in two ways",
        ),
        ("upstreams: [eu]", "upstreams: [default]", "no upstream may be asked"),
    ],
)
def test_overlays_that_contradict_each_other_are_refused_with_both_lines_and_only_where_they_meet(one: str, other: str, what: str) -> None:
    (problem,) = refused({"overlays/a.yaml": overlay("a", one), "overlays/b.yaml": overlay("b", other, "model: m")})
    assert what in problem[1]
    with pytest.raises(Problems, match=r"overlays/a\.yaml:4"):
        compiled({"overlays/a.yaml": overlay("a", one), "overlays/b.yaml": overlay("b", other, "model: m")})
    assert compiled({"overlays/a.yaml": overlay("a", one), "overlays/b.yaml": overlay("b", other, "tenant: bank")})


def test_two_files_of_one_name_and_too_many_combinations_are_refused() -> None:
    (problem,) = refused({"overlays/a.yaml": overlay("a", ""), "overlays/b.yaml": overlay("a", "")})
    assert problem[0] == "overlays/b.yaml:2"
    many = {f"overlays/{n}.yaml": overlay(f"o{n}", "unknown: block", f"tenant: [t{n}]") for n in range(65)}
    assert "different policies" in refused(many)[0][1]


# Laws of merging

_RULE = st.fixed_dictionaries(
    {},
    optional={
        "do": st.sampled_from([action for action in ACTIONS if action in ("flag", "redact", "block")]),
        "threshold": st.sampled_from([0.1, 0.5, 0.8]),
        "at": st.sampled_from([["input"], ["input", "output"], ["input", "retrieval"]]),
    },
)
_TIGHT = st.fixed_dictionaries(
    {"rule": _RULE},
    optional={
        "unknown": st.sampled_from(["scan", "block"]),
        "on_error": st.sampled_from(["open", "closed"]),
        "capture": st.just("none"),
        "capture_share": st.sampled_from([0.01, 0.001]),
        "retention_days": st.integers(1, 400),
        "limits": st.fixed_dictionaries({"requests_per_minute": st.integers(1, 100)}),
        "upstreams": st.sampled_from([["eu", "default"], ["default"], ["eu", "default", "us"]]),
        "store": st.sampled_from([["eu"], ["eu", "us"]]),
        "deny": st.just(["send_email"]),
        "new": st.sampled_from(["email", "iban"]),
    },
)


def written(name: str, wanted: Mapping[str, object]) -> str:
    rest = {key: value for key, value in wanted.items() if key not in ("rule", "new")}
    rules = [{"id": "no-injection", **value} for value in [wanted["rule"]] if isinstance(value, dict)]
    rules += [{"id": f"no-{new}", "at": "output", "entity": new, "do": "redact"} for new in [wanted.get("new")] if new]
    return json.dumps({"fairlead": 1, "overlay": name, "for": {"tenant": "shop"}, **rest, "rules": rules})


def told(release: Release) -> object:
    return {key: value for key, value in release.canonical.items() if key != "overlays"}


@given(st.lists(_TIGHT, min_size=1, max_size=3))
def test_tightening_never_lets_anything_pass_that_the_base_stops(wanted: list[dict[str, object]]) -> None:
    release = compiled({f"overlays/{n}.yaml": written(f"o{n}", one) for n, one in enumerate(wanted)})
    shop = release.for_request("shop")
    assert [change for change in diff(release, shop) if change.effect == "passes"] == []
    for score in (0.1, 0.5, 0.8, 1.0):
        finding = Finding(hazard="prompt_injection", score=score, span=(0, 1), path="/p", detector="words@1")
        before, after = release.decide("input", (finding,)), shop.decide("input", (finding,))
        assert ACTIONS.index(after.verdict) >= ACTIONS.index(before.verdict)
    for name in release.policy.upstream:
        assert release.may_ask(name) or not shop.may_ask(name)


@given(st.lists(_TIGHT, min_size=2, max_size=3), st.randoms())
def test_the_order_of_overlays_does_not_matter(wanted: list[dict[str, object]], random: object) -> None:
    # Names give the order of merging, so the same overlays under other names are merged in another order.
    names = [f"o{n}" for n in range(len(wanted))]
    shuffled = list(names)
    random.shuffle(shuffled)  # type: ignore[attr-defined] # Hypothesis' random
    one = compiled({f"{name}.yaml": written(name, entry) for name, entry in zip(names, wanted, strict=True)})
    other = compiled({f"{name}.yaml": written(name, entry) for name, entry in zip(shuffled, wanted, strict=True)})
    first, second = one.for_request("shop"), other.for_request("shop")
    assert sorted(rule.id for rule in first.rules) == sorted(rule.id for rule in second.rules)
    assert [change for change in diff(first, second) if change.rule == ""] == []
    assert [change for change in diff(first, second) if change.effect in ("passes", "blocks")] == []


@given(_TIGHT)
def test_merging_the_same_twice_is_merging_it_once(wanted: dict[str, object]) -> None:
    once = compiled({"a.yaml": written("a", wanted)}).for_request("shop")
    twice = compiled({"a.yaml": written("a", wanted), "b.yaml": written("b", wanted)}).for_request("shop")
    assert told(once) == told(twice)
