"""Limits in a real Redis: counted as in memory, for all workers; gone and back, and never silent about it."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from gateway_bench import POLICY, bench_in
from gateway_door import USER
from servers import RedisServer, redis_binary, redis_server, shared_redis

from fairlead.core import Unavailable, UsageError
from fairlead.guard import AskLimits, Charge, LimitAnswer
from fairlead.integrations import RedisLimits
from fairlead.integrations import limits as module

__all__ = ["redis_binary", "redis_server", "shared_redis"]
pytestmark = pytest.mark.server
LIMITED = POLICY + "limits: {requests_per_minute: 3}\n"


@pytest.fixture
def limits(shared_redis: RedisServer) -> Iterator[RedisLimits]:
    store = RedisLimits(shared_redis.url)
    yield store
    store.close()


def ask(
    amount: int = 1, ceiling: int = 3, *, tenant: str = "t", limit: str = "a", subject: str = "s", window: int = 60_000_000
) -> AskLimits:
    return AskLimits(tenant, (Charge(limit, subject, amount, ceiling, window),))


def test_no_more_than_the_ceiling_is_granted(limits: RedisLimits) -> None:
    granted = [limits.spend(ask(subject="plain"), 0) for _ in range(5)]
    assert [one.refused for one in granted] == ["", "", "", "a", "a"]
    assert 0 < granted[-1].retry_after_us <= 61_000_000


def test_of_several_limits_all_are_spent_or_none(limits: RedisLimits) -> None:
    both = AskLimits("t", (Charge("a", "both", 1, 5, 60_000_000), Charge("b", "both", 1, 1, 3_600_000_000)))
    assert [limits.spend(both, 0).refused for _ in range(3)] == ["", "b", "b"]
    assert limits.spend(ask(4, 5, subject="both"), 0).refused == ""


def test_what_was_not_taken_is_given_back_and_what_was_taken_beyond_counts(limits: RedisLimits) -> None:
    at = limits.spend(ask(8, 10, subject="back"), 0).at
    assert limits.spend(ask(3, 10, subject="back"), 0).refused
    limits.spend(AskLimits("t", ask(-6, 10, subject="back").charges, at), 0)
    assert not limits.spend(ask(3, 10, subject="back"), 0).refused
    limits.spend(AskLimits("t", ask(-90, 10, subject="back").charges, at), 0)
    assert limits.spend(ask(8, 10, subject="back"), 0).refused == "", "no budget grows beyond its ceiling"
    limits.spend(AskLimits("t", ask(90, 10, subject="back").charges, at), 0)
    assert limits.spend(ask(1, 10, subject="back"), 0).refused


def test_what_has_left_the_window_is_forgotten_and_what_the_clock_has_not_reached_counts_as_now(limits: RedisLimits) -> None:
    one = ask(subject="clock")
    [key] = module._keys(one)
    now = limits.spend(one, 0).at[0]
    limits._client.hset(key, mapping={str(now - 61): 100, str(now - 200): 100, str(now + 500): 1})
    assert [limits.spend(one, 0).refused for _ in range(2)] == ["", "a"]
    assert all(now <= int(part) <= now + 5 for part in limits._client.hkeys(key))
    assert 0 < limits._client.pttl(key) <= 62_000


@pytest.mark.parametrize("pair", [("acme", "acme2"), ("a", "a/b"), ("a", "A"), ("t", "t:k"), ("*", "t1")])
def test_two_tenants_share_no_budget_and_no_name_stands_in_a_key(limits: RedisLimits, pair: tuple[str, str]) -> None:
    for tenant in pair:
        one = ask(ceiling=1, tenant=tenant, subject=f"{len(tenant)}:{tenant}{pair[0]}{pair[1]}")
        assert [limits.spend(one, 0).refused for _ in range(2)] == ["", "a"]
    assert b"acme" not in b"".join(limits._client.keys("*"))


def test_many_workers_together_spend_what_one_might(shared_redis: RedisServer) -> None:
    granted: list[int] = []

    async def worker() -> None:
        store = RedisLimits(shared_redis.url)
        answers: list[LimitAnswer] = await asyncio.gather(*(store.waiting(ask(ceiling=100, subject="crowd")) for _ in range(40)))
        granted.append(sum(not one.refused for one in answers))
        assert store._loop is not None
        await asyncio.to_thread(store.close)
        await asyncio.sleep(0)  # the closed sockets' last callbacks

    threads = [threading.Thread(target=asyncio.run, args=(worker(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(granted) == 100


def post(bench: Any) -> httpx.Response:
    bench.model.says("ok")
    return httpx.post(f"{bench.url}/v1/chat/completions", json=USER, headers={"authorization": f"Bearer {bench.token}"}, timeout=20)


@pytest.mark.parametrize("on_error", ["closed", "open"])
def test_a_server_that_is_gone_and_back_is_told_each_time(
    redis_server: RedisServer, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, on_error: str
) -> None:
    monkeypatch.setattr(module, "PAUSE_S", 0.0)
    with bench_in(tmp_path, FAIRLEAD_REDIS=redis_server.url) as bench:
        bench.start(LIMITED + f"on_error: {on_error}\n")
        assert [post(bench).status_code for _ in range(4)] == [200, 200, 200, 429]
        redis_server.stop()
        gone = [post(bench).status_code for _ in range(2)]
        recorded = [(one.state, one.rule, one.action) for one in bench.decisions() if one.rule == "guard:failed"]
        redis_server.start()
        assert [post(bench).status_code for _ in range(4)] == [200, 200, 200, 429]
    if on_error == "closed":
        assert gone == [503, 503]
        assert recorded == [("final", "guard:failed", "block")] * 2
    else:
        assert gone == [200, 200]
        assert recorded == [("bypassed", "guard:failed", "allow")] * 2


def test_two_machines_share_a_limit(redis_server: RedisServer, tmp_path: Any) -> None:
    with bench_in(tmp_path / "a", FAIRLEAD_REDIS=redis_server.url) as one, bench_in(tmp_path / "b", FAIRLEAD_REDIS=redis_server.url) as two:
        for folder, bench in (("a", one), ("b", two)):
            (tmp_path / folder).mkdir(exist_ok=True)
            bench.start(POLICY + "limits: {per: {tenant: {requests_per_minute: 3}}}\n")
        assert [post(bench).status_code for bench in (one, two, one, two, one)] == [200, 200, 200, 429, 429]


def test_a_failure_is_not_waited_for_by_every_request(redis_server: RedisServer) -> None:
    store = RedisLimits(redis_server.url)
    redis_server.stop()
    with pytest.raises(Unavailable, match="does not answer"):
        store.spend(ask(), 0)
    with pytest.raises(Unavailable, match="just now"):
        store.spend(ask(), 0)
    store.close()


def test_a_url_that_is_none_is_told_without_its_password() -> None:
    with pytest.raises(UsageError) as told:
        RedisLimits("http://:secret-word@127.0.0.1:1")
    assert "secret-word" not in str(told.value)
    assert told.value.where == "FAIRLEAD_REDIS"
