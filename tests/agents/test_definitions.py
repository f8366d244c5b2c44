"""A first manifest from tool definitions, and what a manifest may say."""

import pytest

from fairlead.core import Problems
from fairlead.policy import draft_tools
from fairlead.testing.policies import small_release

HEAD = "fairlead: 1\nsystem: s\nowner: o\ntier: high\ntools:\n"
SCHEMA = {
    "type": "object",
    "properties": {
        "to": {"type": "array", "items": {"type": "string"}},
        "n": {"type": "integer"},
        "cc": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
}


@pytest.mark.parametrize(
    "definition",
    [
        {"name": "send", "inputSchema": SCHEMA},
        {"type": "function", "function": {"name": "send", "parameters": SCHEMA}},
        {"name": "send", **SCHEMA},
    ],
)
def test_definitions_of_every_kind_give_the_same_draft(definition: dict[str, object]) -> None:
    (tool,) = draft_tools([definition])  # type: ignore[list-item]  # tests pass plain JSON
    assert (tool.tool, tool.allow, tool.arguments) == ("send", None, {"to": "strings", "n": "integer", "cc": "string"})


def test_an_argument_without_a_kind_of_ours_leaves_the_list_open() -> None:
    (tool,) = draft_tools([{"name": "send", "inputSchema": {"properties": {"body": {"type": "object"}}}}])
    assert tool.arguments is None


@pytest.mark.parametrize(
    "entry",
    [
        "tool: t, allow: true, does: everything",
        "tool: t, allow: true, intent: ['two  spaces']",
        "tool: t, allow: true, records: {by: [title]}",
        "tool: t, allow: true, declassify: {a: anything}",
        "tool: t, allow: true, budget: {calls: 0}",
        "tool: t, when: {provenance: {a: [somebody]}}",
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(entry: str) -> None:
    with pytest.raises(Problems):
        small_release(HEAD + f"  - {{{entry}}}\n")


def test_cedar_with_a_type_error_is_refused_with_its_line() -> None:
    with pytest.raises(Problems) as refused:
        small_release(
            HEAD + "  - {tool: t, allow: true}\n", cedar="\npermit(principal, action, resource) when { context.session.steps > 1 };"
        )
    assert refused.value.problems[0].where == "tools.cedar:2"
