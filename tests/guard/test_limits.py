"""Limits: no span as long as the window holds more than the ceiling, whatever a clock does; the same for every process of a folder."""

import multiprocessing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.guard import PARTS, AskLimits, Charge, FileLimits, LimitsFull, LimitsUnusable, MemoryLimits, limit_file
from fairlead.guard.limits import KEPT, Ring
from fairlead.testing import FixedClock

STEPS = st.lists(st.tuples(st.integers(-80, 400), st.integers(1, 4), st.booleans()), max_size=60)


def ask(amount: int = 1, ceiling: int = 1, window: int = 1000, *, limit: str = "requests", subject: str = "s") -> AskLimits:
    return AskLimits("t", (Charge(limit, subject, amount, ceiling, window),))


def opened(folder: Path) -> FileLimits:
    return FileLimits.open(folder / "limits", FixedClock())


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 4)), max_size=60), st.integers(1, 10), st.sampled_from([64, 600, 6000]))
def test_no_window_ever_holds_more_than_the_ceiling(steps: list[tuple[int, int]], ceiling: int, window: int) -> None:
    limits, now = MemoryLimits(), 0
    granted: list[tuple[int, int]] = []
    for pause, amount in steps:
        now += pause * window // 64
        if not limits.spend(ask(amount, ceiling, window), now).refused:
            granted.append((now, amount))
        assert sum(spent for at, spent in granted if at > now - window) <= ceiling


@given(STEPS, st.integers(1, 10))
def test_a_clock_that_goes_back_forgets_nothing_too_early_and_shuts_nothing_for_longer_than_a_window(
    steps: list[tuple[int, int, bool]], ceiling: int
) -> None:
    limits, window, said, real = MemoryLimits(), 600, 10**6, 10**6
    granted: list[tuple[int, int]] = []
    for pause, amount, _ in steps:
        said += pause  # what the clock says
        real += max(0, pause)  # it can't say that more time went by than did
        if not limits.spend(ask(amount, ceiling, window), said).refused:
            granted.append((real, amount))
        assert sum(spent for at, spent in granted if at > real - window) <= ceiling
    said -= 10**5
    limits.spend(ask(1, ceiling, window), said)
    assert not limits.spend(ask(ceiling, ceiling, window), said + window + window // PARTS).refused


@given(STEPS)
def test_file_and_memory_count_alike(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, bool]]) -> None:
    file, memory, now = opened(tmp_path_factory.mktemp("limits")), MemoryLimits(), 10**6
    last: tuple[int, ...] = ()
    for pause, amount, correct in steps:
        now += pause
        charges = (Charge("a", "s", amount, 10, 600), Charge("b", "s", 2 * amount, 15, 6000))
        asked = AskLimits("t", charges)
        if correct and last:
            asked = AskLimits("t", tuple(Charge(one.limit, "s", -one.amount, one.ceiling, one.window_us) for one in charges), last)
        found = memory.spend(asked, now)
        assert file.spend(asked, now) == found
        last = found.at or last
    file.close()


def test_a_refusal_says_when_to_come_back_and_then_it_is_granted() -> None:
    limits = MemoryLimits()
    assert not limits.spend(ask(), 0).refused
    refused = limits.spend(ask(), 10)
    assert refused.refused == "requests"
    assert limits.spend(ask(), 10 + refused.retry_after_us - 1).refused
    assert not limits.spend(ask(), 10 + refused.retry_after_us).refused


def test_of_several_limits_all_are_spent_or_none() -> None:
    limits = MemoryLimits()
    both = AskLimits("t", (Charge("a", "s", 1, 5, 1000), Charge("b", "s", 1, 1, 6000)))
    assert limits.spend(both, 0).refused == ""
    assert limits.spend(both, 0).refused == "b"
    assert limits.spend(AskLimits("t", (Charge("a", "s", 4, 5, 1000),)), 0).refused == ""


def test_what_was_not_taken_is_given_back_and_what_was_taken_beyond_counts() -> None:
    limits = MemoryLimits()
    at = limits.spend(ask(8, 10), 0).at
    assert limits.spend(ask(3, 10), 0).refused
    limits.spend(AskLimits("t", ask(-6, 10).charges, at), 0)
    assert not limits.spend(ask(3, 10), 0).refused
    limits.spend(AskLimits("t", ask(90, 10).charges, at), 0)
    assert limits.spend(ask(1, 10), 0).refused


def test_two_subjects_share_no_budget(tmp_path: Path) -> None:
    file = opened(tmp_path)
    for limits in (MemoryLimits(), file):
        for limit, subject in (("a", "b:c"), ("a", "bc"), ("ab", ":c"), ("a:b", "c"), ("a", "B:c")):
            assert not limits.spend(ask(limit=limit, subject=subject), 0).refused
            assert limits.spend(ask(limit=limit, subject=subject), 0).refused
    file.close()


def _spend(folder: Path, times: int) -> int:
    limits, clock = opened(folder), FixedClock()
    granted = sum(not limits.spend(ask(1, 500, 10**9), clock.monotonic_us()).refused for _ in range(times))
    limits.close()
    return granted


def test_all_processes_together_spend_what_one_might(tmp_path: Path) -> None:
    opened(tmp_path).close()
    with multiprocessing.get_context("fork").Pool(4) as pool:
        granted = pool.starmap(_spend, [(tmp_path, 300)] * 4)
    assert sum(granted) == 500


def test_a_gateway_that_is_started_again_knows_what_was_spent_and_a_machine_too(tmp_path: Path) -> None:
    first = opened(tmp_path)
    assert not first.spend(ask(window=10**9), 10**16).refused
    first.close()
    again = opened(tmp_path)  # its clock is far behind that of the last start
    now = FixedClock().monotonic_us()
    assert again.spend(ask(window=10**9), now).refused
    assert not again.spend(ask(window=10**9), now + 2 * 10**9).refused
    again.close()


def test_a_full_file_takes_the_places_of_those_whose_window_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit_file, "SLOTS", 8)
    monkeypatch.setattr(limit_file, "PROBES", 8)
    limits = opened(tmp_path)
    for number in range(8):
        assert not limits.spend(ask(subject=str(number)), 10**6).refused
    with pytest.raises(LimitsFull):
        limits.spend(ask(subject="one more"), 10**6)
    assert limits.spend(ask(subject="3"), 10**6).refused, "nobody was forgotten"
    assert not limits.spend(ask(subject="one more"), 10**6 + 1100).refused
    limits.close()


def test_a_file_of_something_else_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "limits"
    path.write_bytes(b"SQLite format 3\0" + bytes(20_000_000))
    with pytest.raises(LimitsUnusable):
        opened(tmp_path)
    assert path.read_bytes().startswith(b"SQLite")


def test_a_disk_without_room_is_told_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(LimitsUnusable, match="can't be made"):
        opened(tmp_path)


def test_a_process_that_holds_the_lock_for_ever_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit_file, "PATIENCE_S", 0.001)
    stuck, other = opened(tmp_path), opened(tmp_path)
    with stuck._locked():
        for _ in range(2):
            with pytest.raises(LimitsUnusable, match="lock"):
                other.spend(ask(), 0)
    assert not other.spend(ask(), 0).refused
    stuck.close()
    other.close()


def test_no_name_stands_in_the_file(tmp_path: Path) -> None:
    limits = opened(tmp_path)
    limits.spend(ask(subject="5:alice@example.com"), 0)
    limits.close()
    assert b"alice" not in (tmp_path / "limits").read_bytes()


@given(st.integers(0, 10**6), st.lists(st.integers(0, 9), min_size=KEPT, max_size=KEPT), st.integers(0, 10**6))
def test_turning_keeps_what_is_in_the_window_and_nothing_else(head: int, counts: list[int], part: int) -> None:
    ring = Ring(head, counts)
    kept = sum(counts[number % KEPT] for number in range(head - PARTS, head + 1) if number >= part - PARTS)
    ring.turn(part)
    assert sum(ring.counts) == kept
