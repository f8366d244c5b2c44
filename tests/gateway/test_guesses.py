"""Keys are tried at the door: slowed, counted, and no harm to who has a key."""

from pathlib import Path

import httpx
import pytest
from gateway_bench import Bench

from fairlead.identity import GUESS_WINDOW_US, MOST_GUESSES, ApiKey, Guesses, KeyGuessed, publish_keys

WRONG = "fl_key_aaaaaaaaaaaaaaaaaaaaaaaaaa_wrong"
MIXED = "2001:db8:0:1::"


def _fill(guesses: Guesses, source: str, now_us: int = 0) -> None:
    for _ in range(MOST_GUESSES):
        guesses.admit(source, "guess", now_us)
        guesses.failed(source, now_us)


def test_a_source_is_not_listened_to_until_its_minute_is_over() -> None:
    guesses = Guesses()
    guesses.worked("good")
    _fill(guesses, "192.0.2.1")
    with pytest.raises(KeyGuessed):
        guesses.admit("192.0.2.1", "new", GUESS_WINDOW_US - 1)
    guesses.admit("192.0.2.1", "good", GUESS_WINDOW_US - 1)
    guesses.admit("192.0.2.2", "new", GUESS_WINDOW_US - 1)
    guesses.admit("192.0.2.1", "new", GUESS_WINDOW_US)


def test_the_addresses_of_one_network_are_one_source() -> None:
    guesses = Guesses()
    for host in range(MOST_GUESSES):
        guesses.failed(f"{MIXED}{host:x}", 0)
    with pytest.raises(KeyGuessed):
        guesses.admit(f"{MIXED}ffff", "new", 0)
    guesses.admit("2001:db8:0:2::1", "new", 0)
    _fill(guesses, "::ffff:192.0.2.1")
    with pytest.raises(KeyGuessed):
        guesses.admit("192.0.2.1", "new", 0)


def test_many_sources_are_forgotten_and_not_kept() -> None:
    guesses = Guesses()
    _fill(guesses, "192.0.2.1")
    for number in range(5000):
        guesses.failed(f"s{number}", 0)
        guesses.worked(f"t{number}")
    guesses.admit("192.0.2.1", "new", 0)
    assert len(guesses._tried) == len(guesses._good) == 4096


def test_the_door_says_wait_counts_it_and_serves_who_has_a_key(bench: Bench, tmp_path: Path) -> None:
    bench.start()
    unused, late = ApiKey.issue(tenant="t2", name="late", scopes=("chat",))
    used, known = ApiKey.issue(tenant="t1", name="known", scopes=("chat",))
    publish_keys(tmp_path / "data" / "keys.json", (unused, used))

    def ask(token: str) -> httpx.Response:
        return httpx.get(f"{bench.url}/v1/models", headers={"authorization": f"Bearer {token}"})

    assert ask(known).status_code == 200
    assert [ask(f"{WRONG}{number}").status_code for number in range(MOST_GUESSES + 1)] == [401] * MOST_GUESSES + [429]
    refused = ask(late)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    assert refused.json()["error"]["code"] == "too_many_unknown_keys"
    assert ask(known).status_code == 200
    metrics = httpx.get(f"{bench.url}/metrics").text
    assert f'fairlead_refused_keys_total{{outcome="key-refused"}} {MOST_GUESSES}.0' in metrics
    assert 'fairlead_refused_keys_total{outcome="key-guessed"} 2.0' in metrics
