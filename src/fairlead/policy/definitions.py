"""From tool definitions to a first manifest: every argument with its kind, everything denied until a person has thought about it."""

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from fairlead.core import InvalidInput
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


def read_definitions(text: str, *, where: str) -> Sequence[Mapping[str, Json]]:
    """Read tool definitions from JSON: a list of them, an object with ``tools``, or a single one.

    Args:
        text: The JSON.
        where: What to call it in an error.

    Raises:
        InvalidInput: No JSON, or no tool definitions; nothing of the text is quoted.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise _no_definitions(where) from error
    listed = document.get("tools", [document]) if isinstance(document, dict) else document
    if not isinstance(listed, list) or not listed or not all(isinstance(entry, dict) and _name(entry) for entry in listed):
        raise _no_definitions(where)
    return listed


def _no_definitions(where: str) -> InvalidInput:
    mend = "write a JSON list of tools, each with a name, as `tools/list` of MCP or a request's `tools` has them"
    return InvalidInput("these are no tool definitions", where=where, mend=mend)


def _record(definition: Mapping[str, Json]) -> Mapping[str, Json]:
    inner = definition.get("function")
    return inner if isinstance(inner, Mapping) else definition


def _name(definition: Mapping[str, Json]) -> str:
    name = _record(definition).get("name")
    return name if isinstance(name, str) else ""


def _draft(definition: Mapping[str, Json]) -> ToolDocument:
    record = _record(definition)
    shape = next((record[key] for key in ("inputSchema", "parameters", "input_schema") if isinstance(record.get(key), Mapping)), record)
    properties = shape.get("properties") if isinstance(shape, Mapping) else None
    fields = properties if isinstance(properties, Mapping) else {}
    kinds = {name: _kind(field) for name, field in fields.items()}
    closed = {name: kind for name, kind in kinds.items() if kind is not None}
    return ToolDocument(tool=_name(definition), arguments=closed if len(closed) == len(kinds) else None)


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
