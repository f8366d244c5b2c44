"""Entities of a policy's own: found, redacted, or refused with line and reason, all at once."""

import pytest

from fairlead.core import Problems
from fairlead.detectors import Registry
from fairlead.policy import compile_release, load_policy

HEAD = "fairlead: 1\nsystem: s\nowner: o\ntier: high\nupstream: {default: {provider: openai, key: env:K}}\n"
GOOD = f"""{HEAD}rules:
  - {{id: own, at: output, entity: [staff_number, project], do: redact}}
entities:
  - {{name: staff_number, pattern: "S-?[0-9]{{6}}", checksum: luhn}}
  - {{name: project, words: [Blue Heron, aurora]}}
  - {{name: badge, pattern: "[0-9]{{5}}", context: [badge, employee]}}
"""


def test_a_pattern_and_words_are_found_where_they_stand_alone() -> None:
    scanner = compile_release(load_policy("p.yaml", GOOD), Registry([])).scanner_at("output")
    assert scanner is not None
    text = "S-123455 and S-123456, xS-123455, S-1234550; BLUE HERON, auroras"
    assert [(hit.entity, text[hit.start : hit.end]) for hit in scanner.scan(text)] == [
        ("staff_number", "S-123455"),
        ("project", "BLUE HERON"),
    ]


def test_a_group_takes_the_policys_own_too_and_context_is_asked_for() -> None:
    policy = GOOD.replace("[staff_number, project]", "pii")
    scanner = compile_release(load_policy("p.yaml", policy), Registry([])).scanner_at("output")
    assert scanner is not None
    assert [hit.entity for hit in scanner.scan("room 54321, badge 12345")] == ["badge"]


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"(?<=x)a", "looks around"),
        (r"(a)\\1", "groupref"),
        (r"a+", "no upper bound"),
        (r"(", "not a regular expression"),
        (r"a*", "empty text"),
        (r"(?:(?:[a-z]{1,60}){1,60}x){1,1}", "too large"),
    ],
)
def test_a_pattern_that_cannot_be_decided_is_refused_with_its_line(pattern: str, reason: str) -> None:
    with pytest.raises(Problems) as caught:
        load_policy("p.yaml", f'{HEAD}entities:\n  - {{name: odd, pattern: "{pattern}"}}\n')
    assert [(problem.where, reason in problem.what) for problem in caught.value.problems] == [("p.yaml:7", True)]


def test_all_problems_come_at_once() -> None:
    text = f'{HEAD}entities:\n  - {{name: email, words: x}}\n  - {{name: b, pattern: "a+"}}\n  - {{name: c, words: y, checksum: lunh}}\n'
    with pytest.raises(Problems) as caught:
        load_policy("p.yaml", text)
    assert [problem.where for problem in caught.value.problems] == ["p.yaml:7", "p.yaml:8", "p.yaml:9"]
    assert "luhn" in caught.value.problems[2].mend
