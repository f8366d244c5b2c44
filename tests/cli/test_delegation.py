"""`fairlead delegation`: what somebody types who hands authority on, and takes it back."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("biscuit_auth", reason="the extra delegation is not installed")

from fairlead.cli.delegation import delegation
from fairlead.config import load_settings
from fairlead.core import InvalidInput, UsageError
from fairlead.guard import read_levers
from fairlead.identity import LOCAL_OPERATOR, PermissionRefused
from fairlead.wiring.control_plane import build_control_plane

PASSWORD = "a long enough password"


def test_mint_narrow_show_revoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRLEAD_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("FAIRLEAD_CONFIG", str(tmp_path / "config"))
    policy, password = tmp_path / "fairlead.yaml", tmp_path / "password"
    policy.write_text("fairlead: 1\nsystem: s\nowner: o\ntier: high\ntools:\n  - {tool: pay, allow: true}\n")
    password.write_text(PASSWORD)
    plane = build_control_plane(load_settings())
    for login, role in (("kim", "incident_commander"), ("ann", "reviewer")):
        plane.identity.create_account(LOCAL_OPERATOR, "default", login=login, password=PASSWORD, roles=[role])

    def run(*words: str, text: str = "") -> str:
        result = CliRunner().invoke(delegation, list(words), input=text)
        if result.exception is not None:
            raise result.exception
        return result.output.strip()

    token = run("mint", "--policy", str(policy), "--trajectory", "t_1", "--user", "u1")
    narrowed = run("narrow", "-", "--tool", "pay", "--calls", "pay", "2", "--value", "pay", "iban", "DE1", "--hops", "0", text=token)
    blocks = json.loads(run("show", "-", "--json", text=narrowed))["blocks"]
    assert len(blocks) == 2
    assert blocks[0] in run("show", "-", text=token)
    by = ("--password-file", str(password), "--reason", "over")
    with pytest.raises(PermissionRefused):
        run("revoke", blocks[1], "--as", "ann", *by)
    with pytest.raises(InvalidInput):
        run("revoke", "../x", "--as", "kim", *by)
    assert json.loads(run("revoke", blocks[1], "--as", "kim", "--json", *by))["target"] == blocks[1]
    assert [(lever.kind, lever.target) for lever in read_levers(tmp_path / "data" / "levers.json")] == [("token", blocks[1])]
    with pytest.raises(UsageError):
        run("mint", "--policy", str(policy), "--trajectory", "t_1", "--tool", "drop")
