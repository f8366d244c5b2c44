"""The one way in for files that people write."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core import Problems
from fairlead.policy.source import MAX_CHARS, read_source


def problems(text: str) -> list[str]:
    with pytest.raises(Problems) as caught:
        read_source("f.yaml", text)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a: 1\nb: &x 2\n", 2, "anchors"),
        ("a: &x [1]\nb: *x\n", 1, "anchors"),
        ("a: 1\nb: 2\na: 3\n", 3, "'a' is here twice (first on line 1)"),
        ("a:\n  b: 1\n  b: 2\n", 3, "twice"),
        ("a: !!python/object:os.system x\n", 1, "tags"),
        ("a: !custom x\n", 1, "tags"),
        ("a: 1\n<<: {b: 2}\n", 2, "merge keys"),
        ("? [a]\n: b\n", 1, "plain text"),
        ("a: b: c\n", 1, "mapping values"),
        ("a: 1\n---\nb: 2\n", 2, "another document"),
        ("a: [1, 2\n", 2, "expected"),
        ("a: 1\nb: \x01\n", 2, "character"),
        ("[" * 100, 1, "nested deeper"),
        ("a: " + "x" * MAX_CHARS, 1, "longer"),
    ],
)
def test_what_is_not_plain_yaml_is_refused_with_its_line(text: str, line: int, says: str) -> None:
    found = problems(text)
    assert found[0].startswith(f"f.yaml:{line}: ")
    assert says in found[0]


def test_a_file_of_aliases_cannot_expand() -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20))
    assert "anchors" in problems(bomb)[0]


def test_all_duplicates_are_told_at_once() -> None:
    assert len(problems("a: 1\na: 2\nb: 1\nb: 2\n")) == 2


def test_words_stay_words() -> None:
    source = read_source("f", "[yes, no, on, off, 010, 1:30, 2024-01-01, .inf, 0x1f, true, 2_000, 1.5, null, ~]")
    assert source.value == ["yes", "no", "on", "off", "010", "1:30", "2024-01-01", ".inf", "0x1f", True, 2000, 1.5, None, None]


def test_every_value_knows_its_line() -> None:
    source = read_source("f", "a: 1\nb:\n  - c: 2\n    d: 3\n  - e\n")
    assert source.where(("b", 0, "d")) == "f:4"
    assert source.where(("b", 1)) == "f:5"
    assert source.where(("b", 0, "missing")) == "f:3"


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Co", "Cn")), max_size=20)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdefgh", min_size=1, max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(PLAIN)
def test_json_reads_as_what_it_is(value: object) -> None:
    assert read_source("f", json.dumps(value, ensure_ascii=False)).value == value


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    places = []
    try:
        read_source("f", text)
    except Problems as refused:
        places = [problem.where for problem in refused.problems]
    assert all(place.startswith("f:") for place in places)
