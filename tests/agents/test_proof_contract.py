"""What a proof assumes of a call's context, the broker keeps to: random calls after random texts, looked at with the proof's own terms."""

import random
from decimal import Decimal

import pytest

from fairlead.agents import Provenance, Trajectory, facts
from fairlead.agents.arguments import Value
from fairlead.core import Segment
from fairlead.policy import Reads, Tool
from fairlead.policy.context import context_of
from fairlead.policy.model import ToolDocument
from fairlead.policy.proofs.contract import contract
from fairlead.policy.proofs.evaluate import Evaluation
from fairlead.policy.proofs.law import CLOSED
from fairlead.policy.proofs.requests import Json, Request, assignment_of
from fairlead.policy.proofs.sets import Sets
from fairlead.policy.proofs.terms import Name, Terms
from fairlead.policy.tools import compile_tool

TEXTS = ["bob@example.com", "eve@evil.test, bob@example.com", "ORD-1", "", "a", "/etc/../passwd", "https://evil.test/x", "go", "Zoe"]
NUMBERS = [0, 7, -3, 10**14 - 1, 10**14, 2**63 - 1, 2**70, Decimal("1.25"), Decimal("0.00001"), Decimal("-99999999999999.9999")]
NAMES = ["to", "cc", "note", "n", "amount", "flag"]
PRIVATE = compile_tool(ToolDocument.model_validate({"tool": "crm", "private": True, "readers": "example.com"}))


def some_tool(pick: random.Random) -> Tool:
    kinds = {name: pick.choice(["string", "strings", "integer", "number", "boolean"]) for name in pick.sample(NAMES, 4)}
    told = {
        "tool": "act",
        "critical": pick.sample(NAMES, 2),
        "egress": pick.sample(NAMES, 1),
        "intent": ["go away"],
        "budget": {"total": {"n": 5}},
    }
    more = {"arguments": kinds} if pick.random() < 0.7 else {}
    declared = {
        key: [name for name in value if name in kinds] if more and isinstance(value, list) and key != "intent" else value
        for key, value in told.items()
    }
    if more:
        del declared["budget"]
    return compile_tool(ToolDocument.model_validate({**declared, **more}))


def some_value(pick: random.Random) -> Value:
    plain: list[Value] = [*TEXTS, *NUMBERS, True, None, ["a", "ORD-1"], [], [1, 2], {"inner": "ORD-1"}, ["x"] * 600]
    return pick.choice(plain)


def some_trajectory(pick: random.Random, tool: Tool) -> Trajectory:
    trajectory = Trajectory("t")
    origins = ["user", "system", "developer", "tool", "retrieved", "model"]
    segments = []
    for index in range(pick.randint(0, 4)):
        origin = pick.choice(origins)
        text = f'go to {pick.choice(TEXTS)} and "{pick.choice(TEXTS)}", {pick.choice([7, 1.25])}'
        segments.append(Segment(path=f"/{index}", origin=origin, stage="input", text=text, tool="crm" if origin == "tool" else ""))
    trajectory.ingest(segments, {"crm": PRIVATE, tool.name: tool})
    return trajectory


def some_context(pick: random.Random, tool: Tool) -> dict[str, Json]:
    everything = Reads({}, whole=True)
    arguments = {name: some_value(pick) for name in pick.sample([*NAMES, "bcc", "Cc"], pick.randint(0, 5))}
    trajectory = some_trajectory(pick, tool)
    provenance = Provenance(trajectory, tool)
    return {
        "present": facts.present_names(tool, arguments),
        "input": facts.inputs(tool, arguments, everything),
        "derived": facts.derived(tool, arguments, everything),
        "prov": {name: list(labels) for name, labels in facts.origins(tool, arguments, provenance).items()},
        "session": facts.session(tool, trajectory, facts.spending(tool, arguments)),
        "readers_ok": facts.readers_ok(tool, arguments, trajectory, provenance),
        "content_ok": not any(facts.unvouched(tool, arguments, provenance)),
        "approvals": [],
        "token": {"depth": 0, "caps": []},
    }


@pytest.mark.parametrize("seed", range(2))
def test_every_promise_holds_of_what_the_broker_computes(seed: int) -> None:
    pick = random.Random(seed)
    for _ in range(60):
        tool = some_tool(pick)
        sets = Sets(Terms(), [*NAMES, "example.com"], CLOSED)
        used = {Name("value", ("derived", f"{name}.length"), "int"): sets.terms.true for name in tool.arguments}
        promises = contract(sets, tool.arguments.items(), used)
        requests = [Request(tool="act", principal="p", context=some_context(pick, tool)) for _ in range(10)]
        evaluation = Evaluation([assignment_of(request, context_of(tool), sets.universe(("present",))) for request in requests])
        broken = [term for term in promises if not evaluation.holds(term)]
        assert not broken, (
            broken[0],
            [request for request in requests if not Evaluation([assignment_of(request, context_of(tool), NAMES)]).holds(broken[0])],
        )
