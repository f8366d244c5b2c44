"""A canary: decides for its share of callers, goes back when its condition holds, and is put in force whole."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from gateway_bench import POLICY
from gateway_trials import CARD, STRICTER, WHOLE, candidate, desk_of

from fairlead.core import decode
from fairlead.identity import ApiKey, publish_keys
from fairlead.journal import AuditEntry, read
from fairlead.releases import RollBack
from fairlead.releases.records import current
from fairlead.wiring.control_plane import build_control_plane
from fairlead.wiring.trial_desk import TrialDesk

OVER_TEN = RollBack(measure="blocked", limit=0.1, min_n=5)


def keys(door: Any, number: int) -> list[str]:
    """Give so many callers a key each."""
    made = [ApiKey.issue(tenant="t1", name=f"k{place}", scopes=("chat",)) for place in range(number)]
    publish_keys(door.settings.data_dir / "keys.json", tuple(key for key, _ in made))
    return [token for _, token in made]


def begun(door: Any, **told: Any) -> TrialDesk:
    door.start()
    desk = desk_of(door)
    desk.start("canary", candidate(door, STRICTER), by="acc_test", **told)
    door.plane.trying.look()
    return desk


def answered(door: Any, token: str = "") -> Any:
    door.upstream.script.append([json.dumps(WHOLE).encode()])
    return door.ask({"model": "m", "messages": [{"role": "user", "content": "hello"}]}, token=token)


def test_its_share_of_callers_is_decided_by_it_and_nobody_flaps(door: Any) -> None:
    door.start()
    tokens = keys(door, 16)
    desk = desk_of(door)
    trial = desk.start("canary", candidate(door, STRICTER), by="acc_test", share=0.5)
    door.plane.trying.look()
    seen = [{answered(door, token).headers["x-fairlead-release"] for _ in range(2)} for token in tokens]
    assert all(len(releases) == 1 for releases in seen), "a caller is always answered alike"
    shares = Counter(next(iter(releases)) for releases in seen)
    assert set(shares) == {trial.release, trial.base}
    assert {decision.release for decision in door.decisions()} == {trial.release, trial.base}


def test_a_larger_share_keeps_who_was_in(door: Any) -> None:
    desk = begun(door, share=0.2)
    (trial,) = desk.trials()
    wider = msgspec.structs.replace(trial, share=0.6)
    callers = [(f"t{number % 7}", f"key_{number}") for number in range(500)]
    assert all(wider.takes(*caller) for caller in callers if trial.takes(*caller))
    drawn = sum(trial.takes(*caller) for caller in callers)
    assert 60 < drawn < 140


def test_it_enforces_for_the_tenants_that_are_named(door: Any) -> None:
    desk = begun(door, tenants=("t1",))
    answer = answered(door)
    assert CARD.encode() not in answer.body
    assert b"[PAYMENT_CARD]" not in answer.body
    assert answer.headers["x-fairlead-release"] == desk.trials()[0].release
    assert door.plane.serving_for("t2").release.id == desk.trials()[0].base
    assert json.loads(door.get("/readyz").body)["canary"] == desk.trials()[0].release


def test_it_goes_back_by_itself_once_the_bound_is_above_the_limit(door: Any) -> None:
    desk = begun(door, tenants=("t1",), roll_back=OVER_TEN)
    (trial,) = desk.trials()
    releases = [answered(door).headers["x-fairlead-release"] for _ in range(6)]
    assert releases == [trial.release] * 5 + [trial.base], "0.01 ** (1 / 5) = 39.8%, above 10%, as soon as five were seen"
    door.plane.trying.close()
    (ended,) = desk.trials()
    assert ended.state == "rolled_back"
    assert ended.why == "5 of 5 Exchanges blocked: at least 39.81% (99% one-sided, clopper_pearson), limit 10.00%"
    entries = read(door.settings.data_dir / "journal" / "worker-0.db", 0, 1000)
    (audit,) = [decode(entry.record.body, AuditEntry) for entry in entries if entry.record.kind == "audit"]
    assert (audit.action, audit.target) == ("canary.roll_back", trial.release)
    door.plane.trying.look()
    assert answered(door).headers["x-fairlead-release"] == trial.base


def test_a_worker_that_can_not_write_the_file_is_off_it_all_the_same(door: Any) -> None:
    desk = begun(door, tenants=("t1",), roll_back=OVER_TEN)
    (trial,) = desk.trials()
    (door.settings.data_dir / "trials.json").write_text("[")
    for _ in range(5):
        answered(door)
    door.plane.trying.close()
    door.plane.trying.look()
    assert answered(door).headers["x-fairlead-release"] == trial.base


def test_stopping_gives_everybody_the_live_policy(door: Any) -> None:
    desk = begun(door, tenants=("t1",))
    desk.stop("canary", by="acc_test")
    door.plane.trying.look()
    assert b"[PAYMENT_CARD]" in answered(door).body
    with pytest.raises(Exception, match="no canary runs"):
        desk.stop("canary", by="acc_test")


def test_promoting_replaces_the_file_and_records_the_release(door: Any, tmp_path: Path) -> None:
    desk = begun(door, tenants=("t1",))
    (trial,) = desk.trials()
    promoted = desk.promote(by="acc_test", tenant="t1")
    assert promoted.state == "promoted"
    assert door.policy_file.read_text() == (tmp_path / "candidate.yaml").read_text()
    door.plane.reload()
    door.plane.trying.look()
    assert door.plane.serving.release.id == trial.release
    assert door.plane.trying.canary == ""
    store = build_control_plane(door.settings).store
    with store.read() as connection:
        assert current(connection, "t1", "test-system") == trial.release


def test_a_live_policy_that_changed_meanwhile_is_not_overwritten(door: Any) -> None:
    desk = begun(door, tenants=("t1",))
    changed = POLICY.replace("UPSTREAM", "http://127.0.0.1:9").replace("no-mail-out", "no-mail")
    door.policy_file.write_text(changed)
    with pytest.raises(Exception, match="another one than when the canary began"):
        desk.promote(by="acc_test", tenant="t1")
    assert door.policy_file.read_text() == changed


def test_a_worker_that_compiles_another_release_does_not_use_it(door: Any) -> None:
    desk = begun(door, tenants=("t1",))
    path = door.settings.data_dir / "trials.json"
    path.write_text(path.read_text().replace(desk.trials()[0].release, "sha256:" + "0" * 64).replace("tri_", "tri_x"))
    door.plane.trying.look()
    assert door.plane.trying.canary == ""
    assert door.plane.health().trial_problem == "trial-invalid"
