"""Law 2: for every split of a text, a stream decides what the whole text gives; and it holds little."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.detectors import Cluster, Pattern, PatternScanner, UnsupportedPattern, builtin_patterns

SCANNER = PatternScanner(builtin_patterns())
FRAGMENTS = [
    *(pattern.example for pattern in builtin_patterns()),
    *(pattern.counter for pattern in builtin_patterns()),
    *(pattern.example[: len(pattern.example) // 2] for pattern in builtin_patterns()),
    *"4111 1111 1111 1112|4111-1111|DE89370400440532013000|DE89370400440532013001|+1 415-555-0132|(415) 555-0132|@|.|://|-----BEGIN".split(
        "|"
    ),
    *"é|ß|日本語|\u200b|\u00a0|\x0b|\u212a|ſ|😀|٤١١١|１２３| |\n|-|_|the|A|z|7|eyJ|password: ".split("|"),
]
TEXTS = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text("aZ09 @.-:+_/\n\u200bé😀#=", max_size=10)), max_size=10).map("".join)


def streamed(text: str, sizes: list[int]) -> tuple[str, list[Cluster]]:
    stream, out, clusters, position = SCANNER.stream(), [], [], 0
    for size in [*sizes, len(text)]:
        settled = stream.feed(text[position : position + size])
        position += size
        assert settled.start == sum(len(part) for part in out)
        out.append(settled.text)
        clusters += settled.clusters
    settled = stream.close()
    return "".join([*out, settled.text]), [*clusters, *settled.clusters]


@settings(max_examples=600)
@given(TEXTS, st.lists(st.integers(1, 30), max_size=120))
def test_a_split_changes_neither_the_text_nor_what_is_found(text: str, sizes: list[int]) -> None:
    got, clusters = streamed(text, sizes)
    assert got == text
    assert clusters == SCANNER.clusters(text, 0, len(text))


@settings(max_examples=300)
@given(TEXTS)
def test_the_prefilter_misses_nothing(text: str) -> None:
    alone = (
        [hit for pattern in builtin_patterns() for hit in PatternScanner([pattern]).scan(text)] if len(text) < 60 else SCANNER.scan(text)
    )
    assert sorted(alone) == sorted(SCANNER.scan(text))


@pytest.mark.parametrize("size", [1, 3, 20])
def test_long_runs_that_never_end_are_exact_too(size: int) -> None:
    for text in ("eyJ" + "a" * 6000, "1" * 3000, "a@" * 2000, "-----BEGIN PRIVATE KEY-----\n" + "QUJD" * 1500, "Ab0/" * 1500):
        got, clusters = streamed(text, [size] * (len(text) // size))
        assert got == text
        assert clusters == SCANNER.clusters(text, 0, len(text))


def test_a_candidate_that_its_check_rejects_does_not_hide_the_one_that_starts_inside_it() -> None:
    text = "ref 1234-4111 1111 1111 1111."
    assert [hit.entity for hit in SCANNER.scan("536-90-4399")] == ["us_ssn"]
    got, clusters = streamed(text, [1] * len(text))
    assert (got, clusters) == (text, SCANNER.clusters(text, 0, len(text)))


PROSE = (
    "The harbour was quiet when we arrived, and the last boats were already tied up for the night. A woman in a yellow coat waved at us "
    "from the pier; she had been waiting since noon, she said, and was glad that we had come at all. We talked about the weather, about "
    "the price of diesel, and about the 3 or 4 families that still live on the island through the winter. In 1974 there were more than "
    "two hundred. The school closed in 2003, the shop a year later. What keeps you here? I asked. She laughed: somebody has to feed the "
    "cats. Later, over soup, she showed us photographs of the old lighthouse (built in 1887, rebuilt twice) and told us, half in jest, "
    "that its keeper never once missed a night; he was, she added, not a man who liked company. If you go north-east, past the chapel, "
    "you can still see the foundations: a ring of grey stones, 12 m across, with sheep asleep inside. It costs about 5 euros to cross. "
) * 6


@pytest.mark.parametrize("seed", range(5))
def test_clean_prose_is_held_by_a_few_characters_only(seed: int) -> None:
    source, held = random.Random(seed), []
    stream, position = SCANNER.stream(), 0
    while position < len(PROSE):
        size = source.randint(1, 20)
        stream.feed(PROSE[position : position + size])
        position += size
        held.append(stream.held)
    held.sort()
    assert held[len(held) // 2] <= 8
    assert held[int(len(held) * 0.99)] <= 24


@pytest.mark.parametrize("expression", [r"(a)\1", r"a+", r"^a", r"a$", r"a(?=bc)", r"(?<=abc)a", r"a*", r"(", r"a\b"])
def test_a_pattern_that_a_stream_cannot_decide_is_refused_with_its_name(expression: str) -> None:
    pattern = Pattern("odd", "custom", expression, "test", "a", "b")
    with pytest.raises(UnsupportedPattern, match="odd"):
        PatternScanner([pattern])
