"""``fairlead policy`` as a user meets it."""

import json
from pathlib import Path

import pytest

from fairlead.cli import main
from fairlead.testing.policies import SMALL_POLICY

POLICY = SMALL_POLICY.replace("max_fpr: 0.5%", "threshold: 0.7")
TESTS = """\
- {name: cards, stage: output, text: "card 4111 1111 1111 1111", expect: {action: redact, rule: no-cards-out, text: "card [PAYMENT_CARD]"}}
- name: mail to whom the user named
  stage: tool_call
  seen: [{origin: user, text: write to bob@example.com}]
  tool_call: {name: send_email, arguments: {to: bob@example.com}}
  expect: {action: allow}
- {name: broken, stage: tool_call, tool_call: {name: send_email, arguments: "{"}, expect: {action: block, rule: tools.arguments}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "fairlead.yaml"
    path.write_text(POLICY)
    path.with_name("fairlead_test.yaml").write_text(TESTS)
    return path


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as leaving:
        main(["policy", *words])
    out = capsys.readouterr()
    return int(leaving.value.code or 0), out.out, out.err


DEFINITIONS = '[{"name": "send", "inputSchema": {"properties": {"to": {"type": "array", "items": {"type": "string"}}}}}]'


def test_a_draft_of_tool_definitions_is_a_policy_that_allows_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    definitions, drafted = tmp_path / "tools.json", tmp_path / "fairlead.yaml"
    definitions.write_text(f'{{"tools": {DEFINITIONS}}}')
    code, out, _ = run(capsys, "draft", str(definitions))
    drafted.write_text(f"fairlead: 1\nsystem: s\nowner: o\ntier: high\n{out}")
    assert (code, "arguments: {to: strings}" in out) == (0, True)
    code, out, _ = run(capsys, "explain", '{"to": []}', "--tool", "send", "--policy", str(drafted), "--json")
    assert (code, json.loads(out)["action"]) == (0, "block")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "3", '[{"name": ""}]', '[{"inputSchema": {}}]', '{"tools": "all"}', '["a"]'])
def test_what_is_no_tool_definition_is_refused_without_quoting_it(capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str) -> None:
    (tmp_path / "tools.json").write_text(text)
    code, _, err = run(capsys, "draft", str(tmp_path / "tools.json"))
    assert (code, "these are no tool definitions" in err) == (2, True)


def test_check_says_that_it_is_valid(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    code, out, _ = run(capsys, "check", str(file), "--json")
    assert code == 0
    assert json.loads(out)["valid"] is True


def test_check_tells_every_problem_of_both_files(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    file.write_text(POLICY.replace("tier: high", "tier: hihg").replace("payment_card", "payment_crad"))
    code, _, err = run(capsys, "check", str(file))
    assert code == 2
    assert f"{file}:4: " in err
    assert f"{file}:8: " in err
    assert "did you mean 'payment_card'?" in err
    file.write_text(POLICY)
    file.with_name("tools.cedar").write_text("permit(")
    assert "tools.cedar:1: " in run(capsys, "check", str(file))[2]


def test_a_missing_file_is_no_traceback(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = run(capsys, "show", str(tmp_path / "nope.yaml"))
    assert code == 2
    assert "there is no such file" in err


def test_show_has_rules_tools_and_lines(capsys: pytest.CaptureFixture[str], file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    _, out, _ = run(capsys, "show", str(file))
    for word in ("no-cards-out", "0.700", "send_email", "fairlead.yaml:12", "sha256:"):
        assert word in out
    assert "permit" in run(capsys, "show", str(file), "--cedar")[1]


def test_diff_names_the_rule(capsys: pytest.CaptureFixture[str], file: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.yaml"
    new.write_text(POLICY.replace("do: redact", "do: flag"))
    changes = json.loads(run(capsys, "diff", str(file), str(new), "--json")[1])
    assert [(change["effect"], change["rule"]) for change in changes] == [("passes", "no-cards-out")]
    assert "both decide alike" in run(capsys, "diff", str(file), str(file))[1]


def test_tests_pass_and_fail_with_their_line(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    code, out, _ = run(capsys, "test", str(file))
    assert (code, out.count("PASS")) == (0, 3)
    file.with_name("fairlead_test.yaml").write_text(TESTS + "- {name: wrong, stage: input, text: hello, expect: {action: block}}\n")
    code, out, _ = run(capsys, "test", str(file))
    assert code == 10
    assert "fairlead_test.yaml:8: expected block, got allow" in out


def test_a_mistake_in_a_test_file_is_told_with_its_line(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    file.with_name("fairlead_test.yaml").write_text(TESTS + "- {name: x, stage: inptu, text: hello, expect: {action: block}}\n")
    code, _, err = run(capsys, "test", str(file))
    assert code == 2
    assert "fairlead_test.yaml:8: " in err
    assert "did you mean 'input'?" in err


def test_explain_names_rule_line_and_scores(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    answer = json.loads(run(capsys, "explain", "card 4111 1111 1111 1111", "--stage", "output", "--policy", str(file), "--json")[1])
    assert (answer["rule"], answer["action"]) == ("no-cards-out", "redact")
    assert answer["where"].endswith("fairlead.yaml:8")
    assert {score["rule"]: score["score"] for score in answer["rules"]} == {"no-cards-out": 1.0, "no-secrets": None}
    call = json.loads(run(capsys, "explain", '{"to": "eve@evil.test"}', "--tool", "send_email", "--policy", str(file), "--json")[1])
    assert call["action"] == "require_approval"
    assert "to.domain_in" in call["say"]
