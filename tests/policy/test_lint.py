"""What is odd about a policy's rules."""

import json
from pathlib import Path

import pytest

from fairlead.cli import main
from fairlead.detectors import Registry
from fairlead.policy import Odd, compile_release, lint, load_policy

HEAD = "fairlead: 1\nsystem: s\nowner: o\ntier: high\nrules:\n"
FLAG = "{id: flag, at: input, hazard: jailbreak, detector: injection-rules, threshold: 0.9, do: flag}"
BLOCK = "{id: block, at: input, hazard: jailbreak, detector: injection-rules, threshold: 0.7, do: block}"
CARDS = "{id: cards, at: output, entity: payment_card, do: redact}"
PII = "{id: personal, at: output, entity: pii, do: redact}"


def odd(*rules: str) -> list[Odd]:
    text = HEAD + "".join(f"  - {rule}\n" for rule in rules)
    registry = Registry.load()
    return list(lint(compile_release(load_policy("p.yaml", text, registry), registry), ["jailbreak", "harm", "pii"]))


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ((FLAG, BLOCK), [("thresholds", "flag")]),
        ((FLAG.replace("0.9", "0.5"), BLOCK), []),
        ((PII, CARDS), [("overlap", "cards")]),
        ((CARDS, PII), []),
        ((BLOCK, BLOCK.replace("id: block", "id: again")), [("overlap", "again")]),
        ((BLOCK, BLOCK.replace("id: block", "id: again").replace("0.7", "0.6")), []),
        ((BLOCK, BLOCK.replace("id: block", "id: trial").replace("do: block", "do: block, mode: shadow")), []),
        ((PII, CARDS.replace("do: redact", "do: replace, with: a card")), []),
    ],
)
def test_a_rule_that_makes_no_difference_is_told(rules: tuple[str, ...], expected: list[tuple[str, str]]) -> None:
    assert [(entry.kind, entry.subject) for entry in odd(*rules) if entry.kind != "gap"] == expected


def test_what_nobody_looks_at_is_told() -> None:
    gaps = {entry.subject for entry in odd(BLOCK, CARDS) if entry.kind == "gap"}
    assert gaps == {"retrieval", "tool_definition", "tool_call", "tool_result", "memory", "handoff", "harm"}
    assert "jailbreak" in {entry.subject for entry in odd(FLAG)}  # to flag is not to act
    assert "pii" in {entry.subject for entry in odd(BLOCK)}


def test_the_command_says_what_newly_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, rules in (("old", (BLOCK, CARDS)), ("new", (BLOCK.replace("0.7", "0.8"), CARDS))):
        (tmp_path / f"{name}.yaml").write_text(HEAD + "".join(f"  - {rule}\n" for rule in rules), encoding="utf-8")
    with pytest.raises(SystemExit) as leaving:
        main(["policy", "lint", str(tmp_path / "new.yaml"), "--against", str(tmp_path / "old.yaml"), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert leaving.value.code == told["exit_code"] == 10
    assert [change["rule"] for change in told["newly_passes"]] == ["block"]
    with pytest.raises(SystemExit) as leaving:
        main(["policy", "lint", str(tmp_path / "old.yaml")])
    assert leaving.value.code == 0
    assert "gap: memory" in capsys.readouterr().out
