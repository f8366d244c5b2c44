"""What the proofs say of random policies and requests, and what the engine says of them, is the same: 10,000 cases, no mismatch."""

import random
from collections.abc import Callable, Sequence

import pytest

from fairlead.policy.cedar import ToolLaw, compile_law
from fairlead.policy.context import Attribute, context_of
from fairlead.policy.model import ToolDocument
from fairlead.policy.proofs.evaluate import Evaluation
from fairlead.policy.proofs.law import CLOSED, Law, asked, law_of, texts_of
from fairlead.policy.proofs.replay import Engine
from fairlead.policy.proofs.requests import Json, Request, assignment_of, request_of
from fairlead.policy.proofs.search import Searcher
from fairlead.policy.proofs.sets import Sets
from fairlead.policy.proofs.terms import Terms
from fairlead.policy.tools import compile_tool

POLICIES, REQUESTS = 250, 40
KINDS = {"to": "string", "tags": "strings", "n": "integer", "flag": "boolean"}
TOOL = compile_tool(ToolDocument.model_validate({"tool": "act", "arguments": KINDS, "critical": "to"}))
CONTEXT = context_of(TOOL)
TEXTS = ["", "a", "ab", "ba*", 'q"\\', "\u00e9\n", "user", "quoted", "person", "example.com", "to", "x"]
NUMBERS = [0, 1, -1, 2, 7, 100, 2**62, 2**63 - 1, -(2**63)]
PATTERNS = ["*", "a*", "*a", "a*b", "\\*", "", "*b*", "\u00e9*"]


class Writer:
    """Writes expressions of a type; attributes that may be missing are used with and without asking first."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._attributes: dict[str, list[tuple[str, str]]] = {}
        for key, of in CONTEXT.items():
            for path, base, kind in _paths(key, of):
                self._attributes.setdefault(kind, []).append((path, base))

    def policies(self) -> str:
        return "\n".join(self._policy() for _ in range(self.random.randint(1, 6)))

    def _policy(self) -> str:
        scope = self.random.choice(
            ["principal", 'principal == User::"a"', 'principal in User::"ab"', "principal is User", "principal is Tool"]
        )
        resource = self.random.choice(["resource", 'resource == Tool::"act"', 'resource in Tool::"other"'])
        action = self.random.choice(["action", 'action == Action::"act"', 'action in [Action::"act"]'])
        clauses = [f"{self.random.choice(['when', 'unless'])} {{ {self.truth(3)} }}" for _ in range(self.random.randint(0, 2))]
        return f"{self.random.choice(['permit', 'permit', 'forbid'])}({scope}, {action}, {resource}) {' '.join(clauses)};"

    def truth(self, depth: int) -> str:
        choices: list[Callable[[int], str]] = [self._compared, self._in_set, self._like, self._is, self._flag, self._has]
        if depth:
            choices += [self._joined, self._joined, self._joined, self._guarded]
        return self.random.choice(choices)(depth - 1)

    def _joined(self, depth: int) -> str:
        first, second, third = (self.truth(max(depth, 0)) for _ in range(3))
        forms = [f"({first} && {second})", f"({first} || {second})", f"!({first})", f"(if {first} then {second} else {third})"]
        return self.random.choice(forms)

    def _guarded(self, depth: int) -> str:
        kind = self.random.choice(["String", "Long", "Bool", "Set<String>"])
        path, guard = self.random.choice(self._attributes[kind])
        uses = {
            "String": f"{path} == {_text(self.random.choice(TEXTS))}",
            "Long": f"{path} <= {self.number(max(depth, 0))}",
            "Bool": path,
            "Set<String>": f"{path}.contains({_text(self.random.choice(TEXTS))})",
        }
        return f"({guard or 'true'} && {uses[kind]})"

    def _compared(self, depth: int) -> str:
        if self.random.random() < 0.3:
            return f"({self.text(depth)} {self.random.choice(['==', '!='])} {self.text(depth)})"
        return f"({self.number(depth)} {self.random.choice(['==', '!=', '<', '<=', '>', '>='])} {self.number(depth)})"

    def _in_set(self, depth: int) -> str:
        stated = f"[{', '.join(_text(text) for text in self.random.sample(TEXTS, self.random.randint(1, 4)))}]"
        given = self.random.choice(self._attributes["Set<String>"])[0]
        forms = [
            f"{given}.contains({_text(self.random.choice(TEXTS))})",
            f"{stated}.contains({self.text(depth)})",
            f"{stated}.containsAll({given})",
            f"{given}.containsAll({stated})",
            f"{stated}.containsAny({given})",
            f"{given}.containsAny({stated})",
            f"{given}.isEmpty()",
            f"({given} == {stated})",
            f"[{self.number(depth)}, 7].contains({self.number(depth)})",
        ]
        return self.random.choice(forms)

    def _like(self, depth: int) -> str:
        return f'({self.text(depth)} like "{self.random.choice(PATTERNS)}")'

    def _is(self, _depth: int) -> str:
        return self.random.choice(
            ['principal == User::"a"', "resource is Tool", 'principal in [User::"a", User::"ab"]', 'action == Action::"act"']
        )

    def _flag(self, _depth: int) -> str:
        return self.random.choice([path for path, _ in self._attributes["Bool"]])

    def _has(self, _depth: int) -> str:
        guards = [base for places in self._attributes.values() for _, base in places if base]
        return self.random.choice([*guards, "context has nothing", "context has input.to", 'context.session has "what"'])

    def number(self, depth: int) -> str:
        if depth > 0 and self.random.random() < 0.4:
            return f"({self.number(depth - 1)} {self.random.choice('+-*')} {self.number(depth - 1)})"
        if self.random.random() < 0.5:
            return self.random.choice(self._attributes["Long"])[0]
        found = self.random.choice(NUMBERS)
        return f"({found})" if found != -(2**63) else "(-9223372036854775808)"

    def text(self, _depth: int) -> str:
        return self.random.choice(self._attributes["String"])[0] if self.random.random() < 0.8 else _text(self.random.choice(TEXTS))

    def request(self) -> Request:
        context = {key: self._value(of) for key, of in CONTEXT.items()}
        context["approvals"] = []
        return Request(tool="act", principal=self.random.choice(["a", "ab", "zoe"]), context=context)

    def _value(self, of: Attribute) -> Json:
        if of.type == "Record":
            return {name: self._value(inner) for name, inner in of.inner.items() if not inner.optional or self.random.random() < 0.7}
        if of.type == "Set<String>":
            pool = [*TEXTS, "stranger", "another stranger"]
            return sorted(self.random.sample(pool, self.random.randint(0, 3)))
        if of.type == "Bool":
            return self.random.random() < 0.5
        return self.random.choice(NUMBERS) if of.type == "Long" else self.random.choice([*TEXTS, "nothing of that"])


def _paths(key: str, of: Attribute) -> list[tuple[str, str, str]]:
    if of.type != "Record":
        return [(f"context.{key}", "", of.type)]
    return [
        (f"context.{key}[{_text(name)}]", f"context.{key} has {_text(name)}" if inner.optional else "", inner.type)
        for name, inner in of.inner.items()
    ]


def _text(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def translated(text: str) -> tuple[ToolLaw, Law, Sets]:
    law, _ = compile_law([TOOL], text)
    sets = Sets(Terms(), [*texts_of(law.about("act")), *TOOL.arguments], {"approvals": CLOSED["approvals"]})
    return law, law_of(sets, law, TOOL), sets


def mismatches(seeds: Sequence[int]) -> tuple[int, int, int, list[str]]:
    """Return how many answers were compared, how many of them allowed, how many an error; and the policies of each difference."""
    compared = allowed = errors = 0
    wrong: list[str] = []
    for seed in seeds:
        writer = Writer(seed)
        text = writer.policies()
        written, law, sets = translated(text)
        assert not [rule for rule in law.rules if rule.untranslated], text
        requests = [writer.request() for _ in range(REQUESTS)]
        evaluation = Evaluation([assignment_of(request, CONTEXT, sets.universe(("present",))) for request in requests])
        engine = Engine(written, "act", TOOL)
        for approved in (False, True):
            said = asked(sets.terms, law, approved=approved)
            masks = evaluation.mask(said.allowed), evaluation.mask(said.error)
            for index, request in enumerate(requests):
                answer, failed = engine.asked(request, approved=approved)
                compared, allowed, errors = compared + 1, allowed + answer, errors + bool(failed)
                if (masks[0] >> index & 1, masks[1] >> index & 1) != (int(answer), int(bool(failed))):
                    wrong.append(f"{seed}: {text} {request} {failed}")
    return compared, allowed, errors, wrong


def test_ten_thousand_random_cases_are_answered_as_the_engine_does() -> None:
    compared, allowed, errors, wrong = mismatches(range(POLICIES // 2))
    assert not wrong, wrong[0]
    assert compared == POLICIES * REQUESTS == 10_000
    assert min(allowed, compared - allowed, errors) > compared // 20


@pytest.mark.slow
def test_a_hundred_thousand_more_are_too() -> None:
    compared, _, _, wrong = mismatches(range(1_000, 2_250))
    assert not wrong, wrong[0]
    assert compared == 100_000


def test_the_solver_reads_the_same_terms() -> None:
    """What it finds is what the evaluation says, and the request that it stands for is answered so by the engine."""
    seen = {"none": 0, "some": 0, "unknown": 0}
    for seed in range(5_000, 5_120):
        writer = Writer(seed)
        written, law, sets = translated(writer.policies())
        said = asked(sets.terms, law, approved=False)
        found = Searcher(sets.terms, 2_000).find([said.allowed, sets.terms.negation(said.error)])
        seen[found.found] += 1
        if found.found == "some":
            assert Evaluation([found.request]).holds(said.allowed)
            request = request_of("act", CONTEXT, found.request, sets.universe(("present",)))
            assert Engine(written, "act", TOOL).asked(request, approved=False) == (True, ())
    assert seen["some"] > 40
    assert seen["none"] > 10
    assert seen["unknown"] < 12
