"""What the compiled Cedar says of random calls, and what plain Python says of the same conditions, is the same."""

import json
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.agents import Broker, MemoryApprovals
from fairlead.agents.arguments import Value, parse_arguments
from fairlead.core import Segment
from fairlead.guard import ToolCall, ToolContext
from fairlead.policy import Constraint
from fairlead.testing.policies import small_release

HEAD = "fairlead: 1\nsystem: s\nowner: o\ntier: high\ntools:\n"
DOMAINS = ["example.com", "partner.test"]
WORDS = ["a", "ab", "ORD-1", "ORD-*", "x*y", 'q"uo\\te', "\u00e9\n", ""]
ADDRESSES = ["bob@example.com", "BOB@EXAMPLE.COM", "x@partner.test", "eve@evil.test", "a@example.com@evil.test", "nothing", ""]
NUMBERS = [0, 1, -1, 2, 10, 10.5, 10.50001, 3.25, 10**13, 10**15, 2**70]

VALUES = st.one_of(
    st.sampled_from(WORDS + ADDRESSES),
    st.sampled_from(NUMBERS),
    st.booleans(),
    st.none(),
    st.lists(st.sampled_from(WORDS + ADDRESSES), max_size=3),
    st.lists(st.integers(0, 2), max_size=2),
    st.just({"inner": "bob@example.com"}),
)
CONSTRAINTS = st.one_of(
    st.fixed_dictionaries({"domain_in": st.lists(st.sampled_from(DOMAINS), min_size=1, max_size=2)}),
    st.fixed_dictionaries({"equals": st.sampled_from([*WORDS[:3], 1, 2, True])}),
    st.fixed_dictionaries({"one_of": st.lists(st.sampled_from(WORDS[:6]), min_size=1, max_size=3)}),
    st.fixed_dictionaries({"one_of": st.lists(st.integers(0, 3), min_size=1, max_size=3)}),
    st.fixed_dictionaries({"max": st.sampled_from([0, 2, 10.5, 10**13])}),
    st.fixed_dictionaries({"min": st.sampled_from([-1, 2, 3.25]), "max": st.sampled_from([2, 10.5])}),
    st.fixed_dictionaries({"max_length": st.integers(0, 8)}),
    st.fixed_dictionaries({"like": st.sampled_from(["ORD-*", "*", "a*b", 'q"*', "x*y", "a"])}),
)


def oracle(constraint: Constraint, value: Value, *, present: bool) -> bool:
    """Say what the documentation says of a condition, without Cedar."""
    if not present or value is None:
        return constraint.optional
    return all(
        (
            constraint.domain_in is None or _inside(value, constraint.domain_in),
            constraint.equals is None or _same(value, constraint.equals),
            constraint.one_of is None or any(_same(value, allowed) for allowed in constraint.one_of),
            constraint.max is None or (_is_number(value) and Decimal(str(value)) <= Decimal(str(constraint.max))),
            constraint.min is None or (_is_number(value) and Decimal(str(value)) >= Decimal(str(constraint.min))),
            constraint.max_length is None or (isinstance(value, str | list) and len(value) <= constraint.max_length),
            constraint.like is None or (isinstance(value, str) and _glob(constraint.like, value)),
        )
    )


def _inside(value: Value, allowed: tuple[str, ...]) -> bool:
    texts = value if isinstance(value, list) else [value]
    filled = [text for text in texts if text not in ("", None)]
    return bool(filled) and all(isinstance(text, str) and text.count("@") == 1 and text.lower().split("@")[1] in allowed for text in filled)


def _same(value: Value, allowed: str | int | bool) -> bool:  # noqa: FBT001 - the value itself is what is looked at
    return type(value) is type(allowed) and value == allowed


def _is_number(value: Value) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return False
    scaled = Decimal(value) * 10_000
    return scaled == scaled.to_integral_value() and abs(value) < 10**14


def _glob(pattern: str, text: str) -> bool:
    head, *rest = pattern.split("*")
    if not rest:
        return pattern == text
    if not text.startswith(head):
        return False
    at = len(head)
    for part in rest[:-1]:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(text) - at >= len(rest[-1]) and text.endswith(rest[-1])


@settings(max_examples=400, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["p", "q", "the arg"]), st.tuples(CONSTRAINTS, st.booleans()), min_size=1, max_size=2),
    st.dictionaries(st.sampled_from(["p", "q", "the arg", "other"]), VALUES, max_size=4),
)
def test_cedar_agrees_with_the_oracle(when: dict[str, tuple[dict[str, object], bool]], arguments: dict[str, object]) -> None:
    entries = {name: {**keys, "optional": optional} for name, (keys, optional) in when.items()}
    release = small_release(HEAD + "  - " + json.dumps({"tool": "act", "when": entries}, ensure_ascii=False) + "\n")
    raw = json.dumps(arguments).encode()
    context = ToolContext(tenant="t", exchange="x", segments=())
    verdict = Broker(release, MemoryApprovals()).authorise(ToolCall(tool="act", arguments=raw), context)
    parsed = parse_arguments(raw)
    tool = release.tool("act")
    assert tool is not None
    expected = all(oracle(constraint, parsed.get(name), present=name in parsed) for name, constraint in tool.when.items())
    assert (verdict.action == "allow") is expected, (tool.when, parsed, verdict)


ORIGINS = st.sampled_from(["user", "system", "developer", "retrieved", "tool", "memory", "agent", "model"])


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(ORIGINS, st.sampled_from(["key-4711", "key-4712", "neither"])), max_size=4),
    st.sets(st.sampled_from(["user", "system", "developer", "untrusted"]), min_size=1),
)
def test_provenance_agrees_with_the_oracle(texts: list[tuple[str, str]], allowed: set[str]) -> None:
    entry = {"tool": "act", "when": {"provenance": {"ref": sorted(allowed)}}}
    release = small_release(HEAD + "  - " + json.dumps(entry) + "\n")
    segments = tuple(
        Segment(path=f"/{i}", origin=origin, stage="input", text=f"{i}: see {text}.") for i, (origin, text) in enumerate(texts)
    )
    context = ToolContext(tenant="t", exchange="x", segments=segments)
    verdict = Broker(release, MemoryApprovals()).authorise(ToolCall(tool="act", arguments=b'{"ref": "KEY-4711"}'), context)
    trusted = [origin for origin, text in texts if text == "key-4711" and origin in ("user", "system", "developer")]
    label = next((origin for origin in ("user", "system", "developer") if origin in trusted), "untrusted")
    assert (verdict.action == "allow") is (label in allowed)
