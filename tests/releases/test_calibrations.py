"""The files of calibrations: signed, part of the Release, refused when they are damaged, and put back one step at a time."""

import json
import random
from pathlib import Path

import pytest

from fairlead.cli import main
from fairlead.config import Settings, load_settings
from fairlead.detectors import Calibration, CalibrationInvalid, Registry, calibrate, read_labels
from fairlead.ledger import SigningKey, ensure_key, ephemeral_key, make_trust_root, save_trust_root
from fairlead.policy import Release
from fairlead.releases import CalibrationFolder, CalibrationUnknown, read_calibration, sign_calibration, trusted_keys
from fairlead.sdk import Guard
from fairlead.wiring.control_plane import build_control_plane
from fairlead.wiring.data_plane import build_data_plane
from fairlead.wiring.policy_files import PolicyFiles

POLICY = """\
fairlead: 1
system: shop
owner: team
tier: high
upstream: {default: {provider: openai}}
rules:
  - {id: no-harm, at: input, hazard: harmful_request, max_fpr: 5%, do: block}
"""
WORDS = "harbour farm hall wing cart chapel hill pond garden chair river book fence map bell lamp road table window kettle basket".split()


def labels_of(n_unsafe: int, n_benign: int) -> bytes:
    drawn = random.Random(n_unsafe)
    rows = []
    for verbs, label, n in ((("draining", "jamming"), "unsafe", n_unsafe), (("planting", "counting"), "benign", n_benign)):
        for _ in range(n):
            text = " ".join([*drawn.sample(WORDS, 4), drawn.choice(verbs), *drawn.sample(WORDS, 4)])
            rows.append(json.dumps({"text": text, "label": label}))
    return "\n".join(rows).encode()


def make(at_us: int, before: str = "") -> Calibration:
    head = Registry.load().head("harm")
    labels = read_labels(labels_of(40, 80), where="x")
    channels = calibrate(head, labels, max_fpr=0.05).channels
    return Calibration(head=head.id, labels=labels.digest, channels=channels, by="tests", at_us=at_us, before=before)


@pytest.fixture(scope="module")
def first() -> Calibration:
    return make(1)


@pytest.fixture(scope="module")
def second(first: Calibration) -> Calibration:
    return make(2, before=first.digest)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"FAIRLEAD_DATA": str(tmp_path / "data"), "FAIRLEAD_CONFIG": str(tmp_path / "config")})


@pytest.fixture
def key(settings: Settings) -> SigningKey:
    return ensure_key(settings.config_dir)


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "fairlead.yaml"
    path.write_text(POLICY)
    return path


def compiled(policy: Path, settings: Settings) -> Release:
    return PolicyFiles(policy, settings.config_dir).compile(Registry.load())


def test_a_calibration_changes_the_release_and_reverting_gives_the_old_one_back(
    policy: Path, settings: Settings, key: SigningKey, first: Calibration, second: Calibration
) -> None:
    folder, ids = CalibrationFolder(policy), [compiled(policy, settings).id]
    for entry in (first, second):
        folder.put(entry, key)
        ids.append(compiled(policy, settings).id)
    assert len(set(ids)) == 3
    keys = trusted_keys(settings.config_dir)
    assert folder.revert("harm", keys) == first.digest
    assert compiled(policy, settings).id == ids[1]
    assert folder.revert("harm", keys) == ""
    assert compiled(policy, settings).id == ids[0]
    assert len(folder.history()) == 2
    with pytest.raises(CalibrationUnknown):
        folder.revert("harm", keys)


def test_the_guard_decides_by_the_calibrated_head(policy: Path, settings: Settings, key: SigningKey, first: Calibration) -> None:
    text = "garden river draining lamp road jamming hill draining book"
    with Guard.load(policy, settings=settings) as guard:
        assert guard.check(text).action == "allow"
    CalibrationFolder(policy).put(first, key)
    with Guard.load(policy, settings=settings) as guard:
        decision = guard.check(text)
    assert decision.action == "block"
    assert {finding.detector for finding in decision.findings} == {f"{first.head}+{first.digest[7:15]}"}


@pytest.mark.parametrize("damage", ["flip", "cut", "none", "unsigned", "stranger", "renamed", "other"])
def test_what_is_damaged_or_not_signed_by_a_trusted_key_stops_the_start(
    policy: Path, settings: Settings, key: SigningKey, first: Calibration, damage: str
) -> None:
    CalibrationFolder(policy).put(first, key)
    path = policy.parent / "calibrations" / "harm.json"
    held = json.loads(path.read_text())
    spoiled = {
        "flip": json.dumps(held | {"payload": held["payload"][:-8] + "AAAA" + held["payload"][-4:]}),
        "cut": path.read_text()[:-20],
        "none": "",
        "unsigned": json.dumps(held | {"signatures": []}),
        "stranger": sign_calibration(first, ephemeral_key()).decode(),
        "renamed": path.read_text(),
        "other": json.dumps(held | {"payloadType": "application/vnd.in-toto+json"}),
    }[damage]
    path.unlink()
    path.with_name("injection.json" if damage == "renamed" else "harm.json").write_text(spoiled)
    with pytest.raises(CalibrationInvalid) as refused:
        build_data_plane(settings, policy, "w")
    assert refused.value.where in ("harm.json", "injection.json")
    assert refused.value.mend


def test_a_worker_that_is_started_again_while_the_file_is_bad_serves_the_last_good_one(
    policy: Path, settings: Settings, key: SigningKey, first: Calibration
) -> None:
    CalibrationFolder(policy).put(first, key)
    plane = build_data_plane(settings, policy, "w")
    good = plane.serving.release.id
    (policy.parent / "calibrations" / "harm.json").write_text("{}")
    assert plane.policy_changed()
    with pytest.raises(CalibrationInvalid):
        plane.reload()
    assert plane.serving.release.id == good
    plane.close()
    again = build_data_plane(settings, policy, "w", resume=True)
    assert (again.serving.release.id, again.health().policy_problem) == (good, "calibration-invalid")
    again.close()


def test_a_release_that_was_put_in_force_keeps_its_calibrations(
    policy: Path, settings: Settings, key: SigningKey, first: Calibration
) -> None:
    CalibrationFolder(policy).put(first, key)
    release = build_control_plane(settings, policy).put_policy_in_force(tenant="default", by="tests")
    CalibrationFolder(policy).revert("harm", trusted_keys(settings.config_dir))
    kept = settings.data_dir / "releases" / release.replace(":", "-") / "fairlead.yaml"
    assert compiled(kept, settings).id == release != compiled(policy, settings).id


def test_the_keys_of_the_trust_root_are_trusted_too(settings: Settings, first: Calibration) -> None:
    other = ephemeral_key()
    data = sign_calibration(first, other)
    with pytest.raises(CalibrationInvalid, match="no trusted key"):
        read_calibration(data, trusted_keys(settings.config_dir), where="harm.json")
    save_trust_root(settings.config_dir / "trust.json", make_trust_root("fairlead/default", other))
    assert read_calibration(data, trusted_keys(settings.config_dir), where="harm.json") == first


@pytest.fixture
def desk(tmp_path: Path, policy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FAIRLEAD_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("FAIRLEAD_CONFIG", str(tmp_path / "config"))
    monkeypatch.chdir(policy.parent)
    (tmp_path / "labels.jsonl").write_bytes(labels_of(40, 80))
    return tmp_path


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(words)
    return int(left.value.code or 0)


def test_the_command_fits_shows_lists_and_reverts(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("calibrate", "fit", "labels.jsonl", "--head", "harm", "--dry-run") == 0
    assert not (desk / "calibrations").exists()
    assert run("calibrate", "fit", "labels.jsonl", "--head", "harm") == 0
    assert "asked: PASS at 5.00%" in capsys.readouterr().out
    assert run("calibrate", "list", "--json") == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert (entry["in_force"], entry["unproven"], entry["before"]) == (True, False, "")
    for which in ("harm", entry["calibration"], entry["calibration"][7:20]):
        assert run("calibrate", "show", which) == 0
    shown = capsys.readouterr().out
    assert "by cluster" in shown
    assert run("calibrate", "show", "nobody") == 2
    assert run("policy", "check") == 0
    assert run("calibrate", "revert", "harm") == 0
    assert run("calibrate", "list") == 0
    assert "the head as it was shipped" in capsys.readouterr().out
    assert not (desk / "calibrations" / "harm.json").exists()


def test_what_is_not_shown_to_be_better_is_refused_unless_said_otherwise(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [json.loads(line) for line in labels_of(40, 80).decode().splitlines()]
    shuffled = [row["label"] for row in rows]
    random.Random(2).shuffle(shuffled)
    lines = [json.dumps(row | {"label": label}) for row, label in zip(rows, shuffled, strict=True)]
    (desk / "labels.jsonl").write_text("\n".join(lines))
    assert run("calibrate", "fit", "labels.jsonl", "--head", "harm") in (10, 11)
    assert "refused" in capsys.readouterr().out
    assert not (desk / "calibrations").exists()
    assert run("calibrate", "fit", "labels.jsonl", "--head", "harm", "--accept-unproven", "--json") == 0
    assert json.loads(capsys.readouterr().out)["channels"]["asked"]["kept"]
    assert run("calibrate", "show", "harm") == 0
    assert "not shown to be better" in capsys.readouterr().out


def test_a_calibration_that_the_policy_can_not_be_compiled_with_is_not_put_in_force(
    desk: Path, policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy.write_text(POLICY.replace("5%", "0.5%"))
    assert run("calibrate", "fit", "labels.jsonl", "--head", "harm") == 2
    assert "max_fpr" in capsys.readouterr().err
    assert not (desk / "calibrations").exists()
