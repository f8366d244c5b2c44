"""Arguments, addresses, provenance, approvals: the broker's parts."""

import json
import re
import threading
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.agents import ApprovalNotFound, ApprovalRequest, BadArguments, MemoryApprovals, Provenance, SelfApproval, Trajectory
from fairlead.agents.arguments import MAX_BYTES, parse_arguments
from fairlead.agents.facts import scale
from fairlead.agents.forms import canonical, hosts, path
from fairlead.agents.mail import OUTSIDE, domains
from fairlead.core import Origin, Segment
from fairlead.policy import Tool
from fairlead.testing import FixedClock
from fairlead.testing.policies import small_release


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[1]",
        b'"text"',
        b"{",
        b'{"a": 1, "a": 2}',
        b'{"a": 1, "A": 2}',
        b'{"a": 1, "a ": 2}',
        '{"a": 1, "\uff41": 2}'.encode(),
        b'{"x": {"a": 1, "a": 2}}',
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": "\\ud800"}',
        b'{"\\udc00": 1}',
        b'{"a": 1} {"a": 2}',
        b'{"a": 1,}',
        b"\xff\xfe",
        b'{"a": ' + b"[" * 20 + b"]" * 20 + b"}",
        b"[" * 200_000,
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": "' + b"x" * MAX_BYTES + b'"}',
    ],
)
def test_arguments_that_could_be_read_two_ways_are_refused(raw: bytes) -> None:
    with pytest.raises(BadArguments):
        parse_arguments(raw)


@given(
    st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(-(2**62), 2**62) | st.text(max_size=5) | st.booleans() | st.none())
)
def test_plain_json_reads_as_what_it_is(value: dict[str, object]) -> None:
    assert parse_arguments(json.dumps(value).encode()) == value


@given(st.integers(-(10**13), 10**13), st.integers(0, 4))
def test_scaling_is_exact(units: int, decimals: int) -> None:
    text = f"{units}e-{decimals}"
    parsed = parse_arguments(b'{"n": ' + text.encode() + b"}")["n"]
    assert scale(parsed) == units * 10 ** (4 - decimals)


@given(st.text(max_size=40))
def test_no_text_is_inside_unless_every_address_in_it_is(text: str) -> None:
    found = domains([text])
    if text.strip(" ") and OUTSIDE not in found:
        assert text.count("@") == 1 + text.count(",") + text.count(";")


SEARCH = small_release().tool("search_docs")
NEWS: tuple[Origin, str] = ("retrieved", "nothing of interest")
"""A text that anybody could have written: from it on, what has no evidence of its own is untrusted."""


def label(value: object, *segments: tuple[Origin, str], tool: Tool | None = SEARCH) -> set[str]:
    assert tool is not None
    trajectory = Trajectory()
    texts = [Segment(path=f"/{index}", origin=origin, stage="input", text=text) for index, (origin, text) in enumerate(segments)]
    trajectory.ingest(texts, {})
    return set(Provenance(trajectory, tool).labels("q", value))  # type: ignore[arg-type]  # tests pass plain JSON


@pytest.mark.parametrize(
    ("value", "text", "origin"),
    [
        ("bob@example.com", "write to Bob@Example.com.", "user"),
        ("bob@example.com", "write to <bob@example.com>, please", "user"),
        ("bob@example.com", "write to bob@example.com.evil.test", "untrusted"),
        ("bob@example.com", "write to bob+x@example.com", "untrusted"),
        ("bob@example.com", "write to xbob@example.com", "untrusted"),
        ("bob@example.com", "write to b.bob@example.com", "untrusted"),
        ("Bob <bob@example.com>", "write to bob@example.com", "user"),
        ("bob@example.com, eve@evil.test", "write to bob@example.com", "both"),
        ("4711", "order 4711 please", "user"),
        ("4711", "order 14711 please", "untrusted"),
        ("47", "flat 47", "untrusted"),
        ("47", 'flat "47"', "user"),
        (50, "send 50 euros", "user"),
        (50, "send 500 euros", "untrusted"),
        (1234.5, "send 1,234.50 euros", "user"),
        (-3, "shift by -3 days", "user"),
        (3, "shift by -3 days", "untrusted"),
        (123, "items 1,2,3", "untrusted"),
        (0.5, "half is 0.5", "user"),
        (5, "on 2026-05-05", "untrusted"),
        (True, "true", "untrusted"),
        ("two  words", "the two\nwords here", "user"),
        ("https://a.test/x", "see https://a.test/x/y", "untrusted"),
        ("https://a.test/x", "see https://a.test/x.", "user"),
        ("https://a.test/x", "see a.test/x", "user"),
        ("www.a.test", "see https://www.a.test/ now", "user"),
        ("www.a.test", "see https://www.a.test/x", "untrusted"),
        ("https://a.test", "see https://b.test/a.test", "untrusted"),
        ("a/./b.txt", "open a/b.txt", "user"),
        ("2026-05-15", "on May 15th, 2026", "user"),
        ("2026-05-15", "on 15 May 2026.", "user"),
        ("2026-05-15", "on May 15th, 2025", "untrusted"),
        ("Bob", "tell Bob about it", "user"),
        ("Bob", "the bob haircut", "untrusted"),
        ("Bob", "see Bobby", "untrusted"),
        ("bob", "tell Bob about it", "untrusted"),
        ({"k": "4711"}, "order 4711", "both"),
    ],
)
def test_only_a_whole_bounded_value_is_evidence(value: object, text: str, origin: str) -> None:
    parsed = parse_arguments(json.dumps({"v": value}).encode())["v"]
    expected = {"untrusted", "derived"} if origin == "untrusted" else {"user"}
    found = label(parsed, ("user", text), NEWS)
    assert found == (expected | {"untrusted", "derived"} if origin == "both" else expected)


def test_what_stands_only_in_data_or_in_the_models_words_is_untrusted() -> None:
    for origin in ("retrieved", "tool", "memory", "agent"):
        assert label("bob@example.com", (origin, "bob@example.com")) == {"untrusted", "quoted"}
    assert label("bob@example.com", ("model", "bob@example.com"), NEWS) == {"untrusted", "derived"}
    assert label("bob@example.com", ("tool", "bob@example.com"), ("system", "bob@example.com")) == {"system"}


def test_the_label_of_the_context_is_the_default() -> None:
    assert label("bob@example.com") == {"untrusted", "derived"}, "nothing is known of the context"
    assert label("bob@example.com", ("user", "write to Bob"), ("model", "to whom?")) == {"model"}
    assert label("bob@example.com", ("user", "write to Bob"), NEWS) == {"untrusted", "derived"}


def test_nothing_has_no_origin() -> None:
    assert label("", ("user", "x")) == label([], ("user", "x")) == label(None, ("user", "x")) == set()


@given(st.lists(st.sampled_from(["4711", "4712", "4713"]), max_size=4), st.lists(st.sampled_from(["4711", "4712", "4713"]), max_size=4))
def test_taint_never_upgrades(planted: list[str], said: list[str]) -> None:
    trusted: list[tuple[Origin, str]] = [("user", f"order {word}") for word in said]
    data: list[tuple[Origin, str]] = [("retrieved", f"order {word}") for word in planted]
    before, after = label("4711", *trusted, NEWS), label("4711", *trusted, *data, NEWS)
    assert ("untrusted" in before) == ("untrusted" in after)


@given(st.text("ab \t\n\u3000\u00c5.", max_size=30))
def test_the_fast_form_of_a_text_is_the_slow_one(text: str) -> None:
    assert canonical(text) == " ".join(unicodedata.normalize("NFKC", text).casefold().split())


@given(st.text(max_size=60))
def test_a_host_is_plain_or_unreadable(text: str) -> None:
    assert all(re.fullmatch(r"[a-z0-9.-]*", host) for host in hosts(f"https://{text} http://a{text}"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see https://Docs.Example.com/x and www.b.test.", {"docs.example.com", "www.b.test"}),
        ("https://example.com@evil.test/", {""}),
        ("https://ex\u0430mple.com/", {""}),
        ("https://example.com\\@evil.test", {""}),
        ("http://[::1]/", {""}),
        ("nothing", set()),
    ],
)
def test_hosts_are_those_that_a_browser_would_ask(text: str, found: set[str]) -> None:
    assert hosts(text) == found


@pytest.mark.parametrize(
    ("text", "plain"), [("a/../b", "b"), ("./a//b", "a/b"), ("../a", None), ("a/../../b", None), ("/a/../../b", "/b"), ("a\\b", None)]
)
def test_a_path_that_leaves_its_root_is_none(text: str, plain: str | None) -> None:
    assert path(text) == plain


REQUEST = ApprovalRequest(
    tenant="t1", system="s", release="r", tool="send", requester="u1", trajectory="", exchange="x_1", arguments='{"to":"a"}'
)


def test_asking_again_is_the_same_question() -> None:
    store = MemoryApprovals(FixedClock())
    assert store.ask(REQUEST).id == store.ask(REQUEST).id
    assert [entry.id for entry in store.waiting("t1")] == [store.ask(REQUEST).id]
    assert store.waiting("t2") == ()


def test_who_asked_cannot_approve_and_another_tenant_sees_nothing() -> None:
    store = MemoryApprovals(FixedClock())
    asked = store.ask(REQUEST)
    for approver in ("u1", ""):
        with pytest.raises(SelfApproval):
            store.answer(asked.id, tenant="t1", approver=approver, granted=True)
    with pytest.raises(ApprovalNotFound):
        store.answer(asked.id, tenant="t2", approver="boss", granted=True)
    assert not store.redeem(asked.id, REQUEST)


def test_an_approval_expires_before_and_after_its_answer() -> None:
    clock = FixedClock()
    store = MemoryApprovals(clock, ttl_us=1000)
    asked = store.ask(REQUEST)
    clock.advance(1000)
    with pytest.raises(ApprovalNotFound):
        store.answer(asked.id, tenant="t1", approver="boss", granted=True)
    second = store.ask(REQUEST)
    store.answer(second.id, tenant="t1", approver="boss", granted=True)
    clock.advance(1000)
    assert not store.redeem(second.id, REQUEST)


def test_an_answer_is_final() -> None:
    store = MemoryApprovals(FixedClock())
    asked = store.ask(REQUEST)
    store.answer(asked.id, tenant="t1", approver="boss", granted=False)
    with pytest.raises(ApprovalNotFound):
        store.answer(asked.id, tenant="t1", approver="chief", granted=True)


def test_of_many_who_redeem_at_once_one_succeeds() -> None:
    store = MemoryApprovals(FixedClock())
    asked = store.ask(REQUEST)
    store.answer(asked.id, tenant="t1", approver="boss", granted=True)
    barrier, wins = threading.Barrier(8), []

    def redeem() -> None:
        barrier.wait()
        wins.append(store.redeem(asked.id, REQUEST))

    threads = [threading.Thread(target=redeem) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(wins) == [""] * 7 + ["call"]
