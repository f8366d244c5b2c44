"""Comparing what a shadow said; conditions for a roll-back."""

import msgspec
import pytest

from fairlead.core import Coverage, InvalidInput
from fairlead.releases import Pair, ShadowIncomparable, ShadowRecord, Tally, compare_shadow, in_shadow, parse_roll_back
from fairlead.testing.decisions import decision


def pair(did: str, own: str, *, exchange: str = "x_1", detector: str = "head@1", **record: str) -> Pair:
    seen = Coverage(path="/x", chars=1, status="ran", detectors=("head@1", "patterns@3-aaaa"))
    other = Coverage(path="/x", chars=1, status="ran", detectors=(detector, "patterns@3-bbbb"))
    mine = in_shadow(decision(action=own, verdict=own, rule="new", coverage=(other,), release="sha256:b"))
    fields = {"id": exchange, "tenant": "t1", "trial": "tri_1", "live": "sha256:a", "release": "sha256:b"} | record
    kept = ShadowRecord(at_us=1, decisions=(mine,), **fields)
    return Pair(kept, (decision(action=did, verdict=did, rule="old", coverage=(seen,)),))


def test_counts_rates_and_p_are_those_of_the_discordant_exchanges() -> None:
    pairs = [pair("allow", "block")] * 8 + [pair("block", "allow")] + [pair("block", "block")] * 2 + [pair("redact", "flag")] * 9
    found = compare_shadow(pairs, "tri_1")
    assert (found.exchanges, found.newly_stopped, found.newly_passed, found.both, found.neither) == (20, 8, 1, 2, 9)
    assert found.p_value == pytest.approx(2 * (1 + 9) / 2**9)
    assert found.difference is not None
    assert found.difference.value == pytest.approx(7 / 20)
    assert found.difference.low > 0
    assert [(one.effect, one.rule, one.exchanges) for one in found.rules] == [("newly_passed", "old", 1), ("newly_stopped", "new", 8)]


def test_a_limit_that_stopped_the_live_one_says_nothing_of_the_policy() -> None:
    limited = pair("block", "allow")
    live = [msgspec.structs.replace(one, rule="limit:requests_per_minute") for one in limited.live]
    found = compare_shadow([Pair(limited.record, live)], "tri_1")
    assert (found.exchanges, found.left_out, found.newly_passed) == (0, 1, 0)


def test_an_exchange_whose_live_decisions_are_gone_is_not_compared() -> None:
    found = compare_shadow([Pair(pair("allow", "allow").record, ())], "tri_1")
    assert (found.exchanges, found.unpaired, found.difference) == (0, 1, None)


@pytest.mark.parametrize(
    "pairs",
    [
        [pair("allow", "allow"), pair("allow", "allow", live="sha256:c")],
        [pair("allow", "allow"), pair("allow", "allow", release="sha256:c")],
        [pair("allow", "allow", detector="head@2")],
        [pair("allow", "allow", detector="head@1+12345678")],
    ],
)
def test_law5_more_than_the_policy_differs(pairs: list[Pair]) -> None:
    with pytest.raises(ShadowIncomparable):
        compare_shadow(pairs, "tri_1")


@pytest.mark.parametrize("text", ["", "blocked", "blocked > 5", "blocked < 5%", "slow > 5%", "blocked > 100%", "blocked > -1%"])
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_roll_back(text, min_n=50)


def test_a_canary_goes_back_when_its_lower_bound_is_above_the_limit() -> None:
    tally = Tally(parse_roll_back("errored > 1%", min_n=100))
    fine, failed = [decision()], [decision(state="bypassed", rule="guard:failed")]
    assert not any(tally.count(fine, failed=False) for _ in range(95))
    # The exact bounds: 5 of 100 has 1.29% below it at 99%, 4 of 99 too few Exchanges.
    assert [bool(tally.count(failed, failed=False)) for _ in range(5)] == [False] * 4 + [True]


def test_a_rate_at_the_limit_is_no_reason_to_go_back() -> None:
    tally = Tally(parse_roll_back("blocked > 5%", min_n=20))
    stopped = [decision(action="block", verdict="block")]
    assert not any(tally.count(stopped if number % 20 == 19 else [decision()], failed=False) for number in range(400))
