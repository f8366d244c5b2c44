"""``fairlead account`` and ``fairlead key``, as a person and a script use them."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fairlead.cli import main
from fairlead.core import SystemClock
from fairlead.identity import KeyRefused, KeyRing

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("FAIRLEAD_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("FAIRLEAD_CONFIG", str(tmp_path / "config"))
    monkeypatch.delenv("FAIRLEAD_DATABASE", raising=False)
    monkeypatch.setitem(sys.modules["fairlead.cli.main"].COMMANDS, "account", ("fairlead.cli.identity:account", ""))
    monkeypatch.setitem(sys.modules["fairlead.cli.main"].COMMANDS, "key", ("fairlead.cli.identity:key", ""))

    def call(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(words)
        told = capsys.readouterr()
        return int(left.value.code or 0), told.out, told.err

    return call


@pytest.fixture
def password_file(tmp_path: Path) -> str:
    file = tmp_path / "password"
    file.write_text("correct horse battery staple\n")
    return str(file)


def test_accounts_are_created_listed_and_disabled(run: Run, password_file: str) -> None:
    code, out, _ = run("account", "create", "alice", "--role", "engineer", "--role", "viewer", "--password-file", password_file, "--json")
    made = json.loads(out)
    assert (code, made[0]["login"], made[0]["roles"], made[0]["tenant"]) == (0, "alice", ["viewer", "engineer"], "default")
    assert "correct horse" not in out
    code, out, _ = run("account", "disable", "alice")
    assert (code, "disabled" in out) == (0, True)
    assert json.loads(run("account", "list", "--json")[1])[0]["state"] == "disabled"
    assert json.loads(run("account", "list", "--tenant", "other", "--json")[1]) == []


def test_a_keys_token_is_shown_once_and_works_until_it_is_revoked(run: Run, tmp_path: Path) -> None:
    code, out, err = run("key", "create", "assistant", "--days", "30")
    token = out.rsplit("token: ", 1)[1].strip()
    assert (code, "can't be shown again" in err) == (0, True)
    now = SystemClock().now_us()
    ring = KeyRing.load(tmp_path / "data" / "keys.json")
    key = ring.authenticate(token, now, "chat")
    for listing in (run("key", "list")[1], run("key", "list", "--json")[1]):
        assert token.rpartition("_")[2] not in listing
        assert key.secret_digest not in listing
        assert "in force" in listing or key.id in listing
    assert json.loads(run("key", "revoke", key.id, "--json")[1]) == {"revoked": key.id}
    with pytest.raises(KeyRefused):
        ring.authenticate(token, now, "chat")
    assert "revoked" in run("key", "list")[1]
    assert json.loads(run("key", "create", "b", "--scope", "admin:levers", "--json")[1])["scopes"] == ["admin:levers"]


def test_a_mistake_says_what_is_wrong_and_how_to_mend_it(run: Run, password_file: str) -> None:
    for words, expected, mention in (
        (("account", "create", "alice", "--role", "root", "--password-file", password_file), 2, "viewer, engineer"),
        (("account", "create", "alice", "--role", "viewer", "--password-file", "/nowhere"), 2, "password file"),
        (("account", "disable", "nobody"), 2, "identity-not-found"),
        (("key", "revoke", "key_none"), 2, "identity-not-found"),
        (("key", "create", "two words"), 2, "identity-invalid"),
    ):
        code, _, err = run(*words)
        assert (code, mention in err, "Traceback" in err) == (expected, True, False), words
