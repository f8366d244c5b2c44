"""Files of cases and suites: what is wrong is said all at once, with file and line."""

from pathlib import Path

import msgspec
import pytest

from fairlead.core import NotFound, Problems
from fairlead.evals import cases_digest, parse_cases, read_case_folder, read_suite, write_case
from fairlead.testing.targets import made_case

LINES = [write_case(made_case(number)).decode().strip() for number in range(1, 4)]


def test_cases_survive_their_lines() -> None:
    text = "\n".join(["", *LINES, ""])
    assert parse_cases(text, "c.jsonl") == tuple(made_case(number) for number in range(1, 4))


def test_every_bad_line_is_named_and_no_content_is_shown() -> None:
    secret = "zebra-quartz"
    bad = [
        "{not json",
        LINES[0].replace('"user":"text 1"', '"user":7'),
        LINES[0].replace('"user"', f'"usr":"{secret}","user"'),
        LINES[0].replace('"effect":"send_email"', '"effect":"send_email","says":"x"'),
        LINES[0].replace("never", "always"),
        LINES[0].replace('"user":"text 1"', '"user":""'),
    ]
    with pytest.raises(Problems) as caught:
        parse_cases("\n".join([LINES[0], *bad, LINES[0]]), "c.jsonl")
    assert [problem.where for problem in caught.value.problems] == [f"c.jsonl:{number}" for number in range(2, 9)]
    assert {problem.code for problem in caught.value.problems} == {"case-invalid"}
    assert secret not in str(caught.value)
    assert "twice" in caught.value.problems[-1].what


def test_a_folder_of_cases_is_read_in_order_and_ids_are_its_own(tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_text(LINES[1])
    (tmp_path / "a.jsonl").write_text(LINES[0])
    (tmp_path / "notes.md").write_text("no case")
    assert [case.id for case in read_case_folder(tmp_path)] == ["u-001", "u-002"]
    (tmp_path / "c.json").write_text(LINES[0])
    with pytest.raises(Problems, match="another file"):
        read_case_folder(tmp_path)
    with pytest.raises(NotFound):
        read_case_folder(tmp_path / "none")


def test_the_digest_knows_every_field_and_no_order() -> None:
    cases = tuple(made_case(number) for number in range(3))
    assert cases_digest(cases) == cases_digest(tuple(reversed(cases)))
    assert cases_digest(cases) != cases_digest((*cases[:2], msgspec.structs.replace(cases[2], title="new")))


SUITE = """suite: s
cases: c.jsonl
claims:
  - {id: a, metric: attack_success, at_most: 10%}
  - {id: b, metric: answered, at_least: 0.8, alpha: 0.01}
"""


def _write(folder: Path, suite: str) -> Path:
    (folder / "c.jsonl").write_text("\n".join(LINES))
    path = folder / "suite.yaml"
    path.write_text(suite)
    return path


def test_a_suite_states_its_claims(tmp_path: Path) -> None:
    suite = read_suite(_write(tmp_path, SUITE))
    assert [(claim.id, claim.direction, claim.p0, claim.alpha) for claim in suite.claims] == [
        ("a", "at_most", 0.1, 0.05),
        ("b", "at_least", 0.8, 0.01),
    ]
    assert len(suite.cases) == 3


def test_the_digest_of_a_suite_changes_with_every_claim(tmp_path: Path) -> None:
    first = read_suite(_write(tmp_path, SUITE)).digest
    assert read_suite(_write(tmp_path, SUITE.replace("10%", "11%"))).digest != first
    assert read_suite(_write(tmp_path, SUITE + "max_unscored: 50%\n")).digest != first


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("at_most: 10%", "at_most: 10%, at_least: 5%", 4),
        ("at_most: 10%", "at_most: 1000%", 4),
        ("at_most: 10%", "at_most: few", 4),
        ("at_most: 10%", "at_mots: 10%", 4),
        ("metric: attack_success", "metric: luck", 4),
        ("id: b", "id: a", 5),
        ("alpha: 0.01", "alpha: 5", 5),
        ("at_least: 0.8", "at_least: 0.8, origin: moon", 5),
    ],
)
def test_a_bad_claim_is_refused_with_its_line(tmp_path: Path, old: str, new: str, line: int) -> None:
    with pytest.raises(Problems) as caught:
        read_suite(_write(tmp_path, SUITE.replace(old, new)))
    assert [problem.where for problem in caught.value.problems] == [f"{tmp_path}/suite.yaml:{line}"]


def test_all_problems_of_a_suite_and_its_cases_are_said_at_once(tmp_path: Path) -> None:
    path = _write(tmp_path, SUITE.replace("10%", "few").replace("answered", "luck"))
    (tmp_path / "c.jsonl").write_text("{}\n" + LINES[0])
    with pytest.raises(Problems) as caught:
        read_suite(path)
    assert len(caught.value.problems) == 3


def test_the_reference_suites_can_be_read() -> None:
    folder = Path(__file__).parents[2] / "examples" / "support_assistant"
    assert len(read_suite(folder / "suite.yaml").cases) == 120
    assert all(case.goal for case in read_suite(folder / "attacks.yaml").cases)


@pytest.mark.parametrize(
    "text",
    ["a: [1", "a: 1\na: 2", "a: &x 1\nb: *x", "a: !!python/object/apply:os.system [x]", "\x00", "a: !!binary x", "- 1", "", "? [a]\n: 1"],
)
def test_what_is_no_plain_yaml_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(Problems) as caught:
        read_suite(_write(tmp_path, text))
    assert {problem.code for problem in caught.value.problems} == {"suite-invalid"}
