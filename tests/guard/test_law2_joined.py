"""Texts that follow one another directly are read joined as well; in a stream as in the whole (law 2)."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.core import Decision, Segment
from fairlead.detectors import Operators
from fairlead.guard import ExchangeContext, StreamGuard, drive, guard_output, guard_request
from fairlead.testing.guards import ScriptedPorts
from fairlead.testing.policies import small_release
from fairlead.wire import part_of

HEADER = "fairlead: 1\nsystem: s\nowner: o\ntier: high\nrules:\n"
CUTS = """\
  - {id: cards, at: [input, tool_result, output], entity: payment_card, do: redact, operator: partial}
  - {id: mail, at: [input, output], entity: email, do: redact}
  - {id: phone, at: [input, output], entity: phone, do: redact}
"""
SECRET = "AKIA" + "IOSFODNN7EXAMPLQ"
PORTS = ScriptedPorts()


def context(rules: str = CUTS) -> ExchangeContext:
    return ExchangeContext(release=small_release(HEADER + rules), exchange="x_1", tenant="t1", operators=Operators(b"k" * 32))


CUTTING = context()
BLOCKING = context("  - {id: no-secrets, at: [input, output], entity: secret, do: block}\n")


def channel(place: int) -> str:
    return f"/content/{place}/text"


def whole(where: ExchangeContext, texts: list[str]) -> tuple[Decision, list[str]]:
    segments = [Segment(path=channel(place), origin="model", stage="output", text=text) for place, text in enumerate(texts)]
    outcome = drive(guard_output(where, segments), PORTS.ports)
    return outcome.decision, [outcome.texts.get(segment.path, segment.text) for segment in segments]


def streamed(where: ExchangeContext, texts: list[str], size: int) -> tuple[Decision, list[str], bool]:
    """Each text in pieces, each ended before the next begins."""
    guard = StreamGuard(where, lambda _choice, name: name)
    left: dict[str, str] = {channel(place): "" for place in range(len(texts))}
    stopped = False
    for place, text in enumerate(texts):
        for at in range(0, max(1, len(text)), size):
            released = guard.feed(0, channel(place), text[at : at + size])
            pieces = [*released.before, (channel(place), released)]
            for name, piece in pieces:
                left[name] += piece.text
                stopped = stopped or piece.blocked
        for name, piece in guard.close(0, channel(place)):
            left[name] += piece.text
            stopped = stopped or piece.blocked
    for name, piece in guard.close(0):
        left[name] += piece.text
        stopped = stopped or piece.blocked
    return drive(guard.finish(), PORTS.ports).decision, list(left.values()), stopped


PIECES = st.sampled_from(
    [*"ab .-@+é1", "4111", " 1111", "1111 1111 1111", "4111 1111 1111 1111", "bob@", "example", ".org", "+49 30", "123456"]
)
TEXTS = st.lists(st.lists(PIECES, max_size=5).map("".join), min_size=1, max_size=5)


@settings(max_examples=200, deadline=None)
@given(texts=TEXTS, size=st.integers(1, 9))
def test_a_stream_of_parts_leaves_what_the_whole_parts_would(texts: list[str], size: int) -> None:
    decision, expected = whole(CUTTING, texts)
    final, left, stopped = streamed(CUTTING, texts, size)
    assert left == expected
    assert not stopped
    assert {(one.path, one.span, one.entity, one.view) for one in final.findings} == {
        (one.path, one.span, one.entity, one.view) for one in decision.findings
    }
    assert not any(one.late for one in final.findings)


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize("cut", range(1, len(SECRET)))
def test_nothing_of_a_secret_over_a_seam_leaves(cut: int, size: int) -> None:
    decision, left, stopped = streamed(BLOCKING, ["the key is ", SECRET[:cut], SECRET[cut:] + " and more"], size)
    assert stopped
    assert left == ["the key is ", "", ""]
    assert decision.action == "block"
    assert whole(BLOCKING, ["the key is ", SECRET[:cut], SECRET[cut:]])[0].action == "block"


def test_a_value_over_a_seam_is_replaced_in_each_part_and_never_in_part_shown() -> None:
    assert whole(CUTTING, ["pay 4111 1111 ", "1111 1111 now"])[1] == ["pay [PAYMENT_CARD]", "[PAYMENT_CARD] now"]


def test_what_a_part_says_alone_is_found_though_the_part_before_it_runs_into_it() -> None:
    assert whole(BLOCKING, ["x", SECRET])[0].action == "block"
    assert streamed(BLOCKING, ["x", SECRET], 4)[1:] == (["x", ""], True)


def test_texts_with_something_between_them_are_not_joined() -> None:
    half, rest = SECRET[:9], SECRET[9:]
    for paths in [
        ("/content/0/text", "/content/2/text"),
        ("/choices/0/message/content", "/choices/1/message/content"),
        ("/input/0", "/input/1"),
    ]:
        segments = [Segment(path=path, origin="model", stage="output", text=text) for path, text in zip(paths, (half, rest), strict=True)]
        assert drive(guard_output(BLOCKING, segments), PORTS.ports).action == "allow"


def test_messages_of_different_writers_are_not_joined() -> None:
    half, rest = SECRET[:9], SECRET[9:]
    user = Segment(path="/messages/0/content", origin="user", stage="input", text=half)
    for origin, action in (("model", "allow"), ("user", "block")):
        other = Segment(path="/messages/1/content/0/text", origin=origin, stage="input", text=rest)  # type: ignore[arg-type] # one of them
        assert drive(guard_request(BLOCKING, (user, other)), PORTS.ports)[-1].action == action


def test_what_follows_what() -> None:
    order = ["/messages/0/content", "/messages/1/content/0/text", "/messages/1/content/1/text", "/messages/2/content/0/text"]
    parts = [part_of(path) for path in order]
    assert all(one is not None and other is not None and one.then(other) for one, other in itertools.pairwise(parts))
    assert not any(one is not None and other is not None and other.then(one) for one, other in itertools.pairwise(parts))
