"""What a report is written as: tests of the policy, SARIF, a comment on a change."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fairlead.cli import main

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "support_assistant"
POLICY = (EXAMPLE / "fairlead.yaml").read_text(encoding="utf-8")
WIDENED = POLICY.replace("domain_in: [example.com]", "domain_in: [example.com, example.org]")
UNASKED = 'permit(principal, action == Action::"create_ticket", resource) when { context.session.step > 5 };\n'


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., tuple[int, str]]:
    (tmp_path / "old.yaml").write_text(POLICY, encoding="utf-8")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "fairlead.yaml").write_text(WIDENED, encoding="utf-8")
    (tmp_path / "new" / "tools.cedar").write_text(UNASKED, encoding="utf-8")

    def started(*words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as leaving:
            main(["policy", *(word.replace("@", f"{tmp_path}/") for word in words)])
        return int(leaving.value.code or 0), capsys.readouterr().out

    return started


def test_a_witness_becomes_a_test_that_the_new_policy_fails_and_the_old_one_passes(
    run: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    code, out = run("verify", "@new/fairlead.yaml", "--against", "@old.yaml", "--save", "@w_test.yaml")
    assert code == 10
    assert "1 tests added" in out
    assert "they need a Trajectory" in out  # the sixth call of a Trajectory is no single call
    assert run("test", "@old.yaml", "--tests", "@w_test.yaml")[0] == 0
    assert run("test", "@new/fairlead.yaml", "--tests", "@w_test.yaml")[0] == 10
    before = (tmp_path / "w_test.yaml").read_text(encoding="utf-8")
    assert "0 tests added" in run("verify", "@new/fairlead.yaml", "--against", "@old.yaml", "--save", "@w_test.yaml")[1]
    assert (tmp_path / "w_test.yaml").read_text(encoding="utf-8") == before


def test_sarif_has_the_shape_that_its_standard_asks_for(run: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    run("verify", "@new/fairlead.yaml", "--against", "@old.yaml", "--sarif", "@r.sarif")
    log = json.loads((tmp_path / "r.sarif").read_text(encoding="utf-8"))
    assert log["version"] == "2.1.0"
    (only,) = log["runs"]
    rules = [rule["id"] for rule in only["tool"]["driver"]["rules"]]
    assert only["tool"]["driver"]["name"]
    assert {result["level"] for result in only["results"]} == {"none", "error"}
    for result in only["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["message"]["text"]
        assert result["kind"] in ("pass", "fail")
        assert (result["level"] == "none") == (result["kind"] == "pass")  # section 3.27.9 of the standard
        (place,) = result["locations"]
        assert place["physicalLocation"]["region"]["startLine"] >= 1
    assert len({result["partialFingerprints"]["question/v1"] for result in only["results"]}) == len(only["results"])


def test_a_comment_shows_what_was_written_into_a_policy_as_plain_text(run: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    (tmp_path / "never.yaml").write_text("- {name: '`</sub><img src=x>`', never: send_email}\n", encoding="utf-8")
    run("verify", "@new/fairlead.yaml", "--against", "@old.yaml", "--never", "@never.yaml", "--markdown", "@r.md")
    text = (tmp_path / "r.md").read_text(encoding="utf-8")
    assert "### Does not hold" in text
    assert "`call: send_email(to: domains example.org, from user)`" in text
    assert "(`\u2019</sub><img src=x>\u2019`)" in text
