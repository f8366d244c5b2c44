"""What a page shows, works: its policies compile, their tests pass, its Python is Python."""

import ast
import re
import textwrap
from pathlib import Path

import pytest
from house.tree import DOCS, ROOT

from fairlead.cli import main

PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *ROOT.glob("examples/**/*.md")])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def _blocks(language: str) -> list[tuple[str, str]]:
    return [
        (f"{page.relative_to(ROOT)}:{text[: found.start()].count(chr(10)) + 1}", found[2])
        for page in PAGES
        for text in [page.read_text(encoding="utf-8")]
        for found in BLOCK.finditer(text)
        if found[1] == language
    ]


POLICIES = [(place, text) for place, text in _blocks("yaml") if text.startswith("fairlead: 1")]
PYTHON = _blocks("python")


def _run(words: list[str]) -> int | str | None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    return ended.value.code


@pytest.mark.parametrize(("place", "policy"), POLICIES, ids=[place for place, _ in POLICIES])
def test_a_policy_on_a_page_compiles(place: str, policy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "fairlead.yaml"
    file.write_text(policy, encoding="utf-8")
    assert _run(["policy", "check", str(file)]) == 0, f"{place}\n{capsys.readouterr().err}"


def test_the_tests_on_the_page_about_policies_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = [text for place, text in _blocks("yaml") if place.startswith("docs/how-to/write-a-policy.md")]
    policy, cases = (next(text for text in blocks if text.startswith(start)) for start in ("fairlead: 1", "- name:"))
    (tmp_path / "fairlead.yaml").write_text(policy, encoding="utf-8")
    (tmp_path / "fairlead_test.yaml").write_text(cases, encoding="utf-8")
    assert _run(["policy", "test", str(tmp_path / "fairlead.yaml")]) == 0, capsys.readouterr().out


@pytest.mark.parametrize(("place", "code"), PYTHON, ids=[place for place, _ in PYTHON])
def test_python_on_a_page_is_python(place: str, code: str) -> None:
    ast.parse(f"def page():\n{textwrap.indent(code, '    ')}", filename=place)


def test_the_guard_on_the_front_page_redacts_as_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = next(text for place, text in POLICIES if place.startswith("README.md"))
    code = next(text for place, text in PYTHON if place.startswith("README.md") and "import Guard" in text)
    (tmp_path / "fairlead.yaml").write_text(policy, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FAIRLEAD_CONFIG", str(tmp_path / "keys"))
    exec(code, {})  # noqa: S102 - the page's own code is what is tested
    shown = re.search(r"print\(checked.*\) +# (.*)", code)
    assert shown is not None
    assert capsys.readouterr().out.strip() == shown[1]
