"""Law 2: for every split of a text, a stream decides what the whole text gives; and it holds little."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.detectors import CAP, Cluster, Hit, Pattern, PatternScanner, UnsupportedPattern, builtin_patterns

SCANNER = PatternScanner(builtin_patterns())
FRAGMENTS = [
    *(pattern.example for pattern in builtin_patterns()),
    *(pattern.counter for pattern in builtin_patterns()),
    *(pattern.example[: len(pattern.example) // 2] for pattern in builtin_patterns()),
    *"4111 1111 1111 1112|4111-1111|DE89370400440532013000|DE89370400440532013001|+1 415-555-0132|(415) 555-0132|@|.|://|-----BEGIN".split(
        "|"
    ),
    *"é|ß|日本語|\u200b|\u00a0|\x0b|\u212a|ſ|😀|٤١١١|１２３|\ufe0f|𝟒𝟏𝟏𝟏|é4| |\n|-|_|the|A|z|7|eyJ|password: ".split("|"),
]
TEXTS = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text("aZ09 @.-:+_/\n\u200bé😀#=", max_size=10)), max_size=10).map("".join)


CUSTOM = PatternScanner(
    [
        Pattern("wide", "custom", r"\[\[[^\]]{1,150}\]\]", "test", "[[x]]", "[x]"),
        Pattern("case", "custom", r"(?i:ticket)-[^k\s]{3,9}(?!k)", "test", "TICKET-abc", "ticket-k"),
        Pattern("any", "custom", r"(?<=é)q.{2,5}z|q\S\S", "test", "éq12z", "q"),
        Pattern("nest", "custom", r"(?:a{2,40}b(?:c|dd){1,3}){1,4}", "test", "aabc", "ab"),
    ]
)
"""Patterns as a policy may bring them: characters of any width, ignored case, context on both sides, nested repeats."""
CUSTOM_TEXTS = st.text("[]é日😀kK\u212aqzabcd-TticketTICKET \u200b\ud83d", max_size=120)


def streamed(text: str, sizes: list[int], scanner: PatternScanner = SCANNER, cap: int = 4096) -> tuple[str, list[Cluster]]:
    stream, out, clusters, position = scanner.stream(cap), [], [], 0
    for size in [*sizes, len(text)]:
        settled = stream.feed(text[position : position + size])
        position += size
        assert settled.start == sum(len(part) for part in out)
        assert not settled.capped
        out.append(settled.text)
        clusters += settled.clusters
    settled = stream.close()
    return "".join([*out, settled.text]), [*clusters, *settled.clusters]


@settings(max_examples=100, deadline=None)
@given(TEXTS, st.lists(st.integers(1, 30), max_size=120))
def test_a_split_changes_neither_the_text_nor_what_is_found(text: str, sizes: list[int]) -> None:
    got, clusters = streamed(text, sizes)
    assert got == text
    assert clusters == SCANNER.clusters(text)


@settings(max_examples=50, deadline=None)
@given(CUSTOM_TEXTS, st.lists(st.integers(1, 9), max_size=120))
def test_patterns_of_a_policy_are_exact_too(text: str, sizes: list[int]) -> None:
    got, clusters = streamed(text, sizes, CUSTOM)
    assert got == text
    assert clusters == CUSTOM.clusters(text)


@pytest.mark.parametrize("wide", ["é", "日", "😀"])
def test_a_match_of_wide_characters_is_held_by_characters_not_by_bytes(wide: str) -> None:
    text = f"[[{wide * 140}]] and more"
    got, clusters = streamed(text, [1] * len(text), CUSTOM)
    assert (got, clusters) == (text, CUSTOM.clusters(text))
    assert len(clusters) == 1


def exact(scanner: PatternScanner, text: str) -> list[Hit]:
    """Match every pattern with the standard library alone: no prefilter, no automaton."""
    best: dict[tuple[int, int, str], Hit] = {}
    for pattern in scanner.patterns:
        position, expression = 0, re.compile(pattern.expression, re.ASCII)
        while match := expression.search(text, position):
            first, last = match.span(min(1, expression.groups))
            length = last - first if pattern.validator is None else pattern.validator(text[first:last])
            score = scored(pattern, text, match.start()) if length else 0.0
            if score:
                hit = Hit(first, first + length, pattern.hazard, pattern.name, score)
                best[(*hit[:2], hit.entity)] = max(hit, best.get((*hit[:2], hit.entity), hit), key=lambda one: one.score)
            position = first + length if score else match.start() + 1
    return sorted(best.values())


def scored(pattern: Pattern, text: str, begin: int) -> float:
    """Say what the words before a candidate make of it."""
    if pattern.context is None:
        return pattern.score
    words, score, against, lowered = pattern.context
    score_of = {"w": score, "a": lowered}
    either = f"(?P<w>{words})" + (f"|(?P<a>{against})" if against else "")
    said = list(re.finditer(f"(?<![A-Za-z])(?:{either})(?![A-Za-z])", text[max(0, begin - 49) : begin], re.ASCII | re.IGNORECASE))
    said = [word for word in said if word.start() >= min(1, max(0, begin - 48))]
    return score_of[said[-1].lastgroup or "w"] if said else pattern.score


@settings(max_examples=100, deadline=None)
@given(TEXTS.filter(str.isascii), st.sampled_from([SCANNER, CUSTOM]))
def test_the_prefilter_misses_nothing(text: str, scanner: PatternScanner) -> None:
    assert sorted(scanner.scan(text)) == exact(scanner, text)


@pytest.mark.parametrize(
    "text",
    [
        "４１１１ １１１１ １１１１ １１１１",
        "4111\u200b1111\u200b1111\u200b1111",
        "4111‐1111‐1111‐1111",
        "4111\u00a01111\u00a01111\u00a01111",
        "𝟒𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏",
        "٤١١١١١١١١١١١١١١١",
    ],
)
def test_a_card_in_disguise_is_found_where_it_stands_in_streams_too(text: str) -> None:
    whole = f"pay \u200b{text}\u200b now"
    got, clusters = streamed(whole, [1] * len(whole))
    assert got == whole
    assert [(hit.entity, whole[hit.start : hit.end]) for cluster in clusters for hit in cluster.hits] == [("payment_card", text)]


@pytest.mark.parametrize("size", [pytest.param(1, marks=pytest.mark.slow), 3, 20])
def test_long_runs_that_never_end_are_exact_too(size: int) -> None:
    for text in ("eyJ" + "a" * 6000, "1" * 3000, "a@" * 2000, "-----BEGIN PRIVATE KEY-----\n" + "QUJD" * 1500, "Ab0/" * 1500):
        got, clusters = streamed(text, [size] * (len(text) // size))
        assert got == text
        assert clusters == SCANNER.clusters(text)


def test_a_candidate_that_its_check_rejects_does_not_hide_the_one_that_starts_inside_it() -> None:
    text = "ref 1234-4111 1111 1111 1111."
    assert [(hit.entity, text[hit.start : hit.end]) for hit in SCANNER.scan(text)] == [("payment_card", "4111 1111 1111 1111")]
    got, clusters = streamed(text, [1] * len(text))
    assert (got, clusters) == (text, SCANNER.clusters(text))


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


def test_at_the_cap_the_oldest_characters_leave_and_the_piece_says_so() -> None:
    stream = SCANNER.stream(cap=64)
    pieces = [stream.feed("ey") for _ in range(1)] + [stream.feed("J" + "a" * 30) for _ in range(5)]
    assert stream.held <= 64
    assert any(piece.capped for piece in pieces)
    assert not any(piece.capped for piece in pieces[:2])
    assert "".join(piece.text for piece in [*pieces, stream.close()]) == "ey" + ("J" + "a" * 30) * 5


def test_a_flood_of_invisible_characters_is_capped_not_held_for_ever() -> None:
    stream = SCANNER.stream()
    pieces = [stream.feed("4111" + "\u200b" * 3000), stream.feed("\u200b" * 3000)]
    assert stream.held <= 4096
    assert pieces[-1].capped


def test_no_built_in_match_is_longer_than_the_default_cap() -> None:
    assert SCANNER.width <= CAP


@pytest.mark.parametrize("expression", [r"(a)\1", r"a+", r"^a", r"a$", r"a(?=bc)", r"(?<=abc)a", r"a*", r"(", r"a\b"])
def test_a_pattern_that_a_stream_cannot_decide_is_refused_with_its_name(expression: str) -> None:
    pattern = Pattern("odd", "custom", expression, "test", "a", "b")
    with pytest.raises(UnsupportedPattern, match="odd"):
        PatternScanner([pattern])
