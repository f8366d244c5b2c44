"""From tool definitions to a first manifest: every argument with its kind, everything denied until a person has thought about it."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from fairlead.policy.model import ArgumentKind, ToolDocument

Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"

_KINDS: Mapping[str, ArgumentKind] = {"string": "string", "integer": "integer", "number": "number", "boolean": "boolean"}


def draft_tools(definitions: Sequence[Mapping[str, Json]]) -> tuple[ToolDocument, ...]:
    """Return a manifest of tool definitions; each tool is denied, and its call may have the declared arguments only.

    Args:
        definitions: MCP tools (``inputSchema``), OpenAI tools (``function``, ``parameters``), or JSON schemas with a ``name``. An
            argument of a kind that the policy has no name for, such as an object, leaves the list of arguments open.
    """
    return tuple(_draft(definition) for definition in definitions)


def _draft(definition: Mapping[str, Json]) -> ToolDocument:
    inner = definition.get("function")
    record = inner if isinstance(inner, Mapping) else definition
    shape = next((record[key] for key in ("inputSchema", "parameters", "input_schema") if isinstance(record.get(key), Mapping)), record)
    properties = shape.get("properties") if isinstance(shape, Mapping) else None
    fields = properties if isinstance(properties, Mapping) else {}
    kinds = {name: _kind(field) for name, field in fields.items()}
    closed = {name: kind for name, kind in kinds.items() if kind is not None}
    return ToolDocument(tool=str(record.get("name", "")), arguments=closed if len(closed) == len(kinds) else None)


def _kind(field: Json) -> ArgumentKind | None:
    if not isinstance(field, Mapping):
        return None
    options = field.get("anyOf")
    if isinstance(options, Sequence) and not isinstance(options, str):
        found = {_kind(option) for option in options if not (isinstance(option, Mapping) and option.get("type") == "null")}
        return found.pop() if len(found) == 1 else None
    name = field.get("type")
    if name == "array":
        return "strings" if _kind(field.get("items")) == "string" else None
    return _KINDS.get(name) if isinstance(name, str) else None
