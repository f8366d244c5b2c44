"""``capture: sealed_sample`` seals a share of the Exchanges, drawn by their ids, whatever was found in them."""

from typing import Any

import pytest
from gateway_bench import POLICY
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core import new_id
from fairlead.journal import read
from fairlead.wiring.exchange import sampled


@pytest.mark.parametrize(("share", "sealed"), [("1.0", 1), ("0.0", 0)])
def test_the_share_of_exchanges_is_sealed(bench: Any, share: str, sealed: int) -> None:
    bench.start(POLICY.replace("capture: none", f"capture: sealed_sample\ncapture_share: {share}")).model.says("a clean answer")
    answer = bench.client().chat.completions.create(model="m", messages=[{"role": "user", "content": "a clean question"}])
    assert answer.choices[0].message.content == "a clean answer"
    entries = read(bench.journal_file, 0, 100)
    assert len([entry for entry in entries if entry.record.kind == "capture"]) == sealed
    assert {bool(decision.capture) for decision in bench.decisions()} == {bool(sealed)}
    assert b"a clean question" not in bench.journal_bytes()


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_draws_whatever_a_smaller_one_draws(one: float, other: float) -> None:
    exchange = new_id("x")
    assert sampled(exchange, min(one, other)) <= sampled(exchange, max(one, other))


def test_the_draw_is_fair() -> None:
    drawn = sum(sampled(f"x_{number}", 0.1) for number in range(20_000))
    assert 1_800 < drawn < 2_200
