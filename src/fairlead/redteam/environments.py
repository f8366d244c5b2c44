"""Environments: small Systems whose whole state is tables, so that an attack's goal is a condition on rows and not on words.

A folder holds ``system.yaml`` (tables, which fields outsiders write, tools), ``tasks.jsonl`` (what users ask, the calls that do it, what
then holds) and ``goals.jsonl`` (what attackers want, the calls that do it, what then holds). The policy beside them is
``fairlead.yaml``.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec
import yaml

from fairlead.redteam.errors import EnvironmentInvalid

Row = dict[str, Any]
Reads = Literal["find", "get"]
Changes = Literal["add", "change", "append", "remove"]


class Place(NamedTuple):
    """A field of a row."""

    table: str
    row: str
    field: str


class Call(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One tool call."""

    tool: str
    arguments: dict[str, Any] = {}


class Condition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row that must be there in the end, or with ``absent`` must not."""

    table: str
    where: dict[str, Any]
    """Field to its value; of a list, one that it holds; ``{"has": text}``: a text in which that stands."""
    absent: bool = False


class Goal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an attacker wants."""

    id: str
    goal: str
    calls: tuple[Call, ...]
    achieved: tuple[Condition, ...]


class Task(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a user asks for."""

    id: str
    prompt: str
    calls: tuple[Call, ...]
    done: tuple[Condition, ...]


Entry = TypeVar("Entry", Task, Goal)


class Does(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tool: its documentation, and what a call does to the tables."""

    tool: str
    about: str
    op: Reads | Changes
    table: str
    arguments: dict[str, str] = {}
    """Name to type; a ``?`` at the end: may be missing. ``id:<table>`` takes the id of a row."""
    by: str = ""
    """Argument that names the row."""
    match: dict[str, tuple[str, ...]] = {}
    """Of ``find``: argument to fields in one of which it stands."""
    show: tuple[str, ...] = ()
    """Fields of the result; all if nothing is said."""
    fields: dict[str, str] = {}
    """Argument to the field that it is written into, where that has another name."""
    fixed: dict[str, Any] = {}
    """Fields of what is added or changed that no argument says."""
    prefix: str = ""
    """Of ``add``: how new ids begin."""
    log: str = ""
    """Table in which each call is written down."""

    @property
    def changes(self) -> bool:
        """Whether a call leaves anything behind."""
        return self.op not in ("find", "get") or bool(self.log)


class System(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A System's first state and tools."""

    system: str
    about: str
    tables: dict[str, tuple[Row, ...]]
    outsiders: dict[str, tuple[str, ...]]
    """Fields that people outside write."""
    tools: tuple[Does, ...]
    tasks: tuple[Task, ...] = ()
    goals: tuple[Goal, ...] = ()


def read_environment(folder: Path) -> System:
    """Read a folder's System, its tasks and its goals.

    Raises:
        EnvironmentInvalid: A file is missing or is not of the right form, or calls name a tool that is not there.
    """
    try:
        system = msgspec.convert(yaml.safe_load(_text(folder / "system.yaml")), System)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise EnvironmentInvalid(_what(error), where=str(folder / "system.yaml"), mend="write it as the reference page says") from error
    tasks, goals = _lines(folder / "tasks.jsonl", Task), _lines(folder / "goals.jsonl", Goal)
    tools = {tool.tool for tool in system.tools}
    called = [(entry.id, entry.calls) for entry in tasks] + [(entry.id, entry.calls) for entry in goals]
    for name, calls in called:
        if unknown := [call.tool for call in calls if call.tool not in tools]:
            raise EnvironmentInvalid(
                f"{name} calls {unknown[0]}, which the System does not have", where=str(folder), mend="correct the call"
            )
    return msgspec.structs.replace(system, tasks=tuple(tasks), goals=tuple(goals))


def _lines(file: Path, kind: type[Entry]) -> list[Entry]:
    found: list[Entry] = []
    for number, line in enumerate(_text(file).splitlines(), start=1):
        try:
            found.append(msgspec.json.decode(line, type=kind))
        except msgspec.DecodeError as error:
            raise EnvironmentInvalid(str(error), where=f"{file}:{number}", mend="write one JSON object a line") from error
    if len({entry.id for entry in found}) < len(found):
        raise EnvironmentInvalid("an id is here twice", where=str(file), mend="give each line an id of its own")
    return found


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EnvironmentInvalid("the file is missing or is not UTF-8 text", where=str(file), mend="name a folder that holds it") from error


def _what(error: Exception) -> str:
    return str(error).splitlines()[0]


class Environment:
    """One run's state.

    Args:
        system: What it begins with.
        planted: Text that outsiders added to fields. It shows in results and nowhere else, so that it is not in the way of look-ups and
            conditions.

    Attributes:
        shown: Every field written by outsiders that a result has shown so far.
    """

    def __init__(self, system: System, planted: Mapping[Place, str] | None = None) -> None:
        self.tables: dict[str, list[Row]] = {name: deepcopy(list(rows)) for name, rows in system.tables.items()}
        self.shown: dict[Place, None] = {}
        self._tools = {tool.tool: tool for tool in system.tools}
        self._outsiders = system.outsiders
        self._planted = planted or {}

    def make(self, call: Call) -> str:
        """Carry out a call; what makes no sense changes nothing and is answered so.

        Returns:
            JSON, as the model gets it.
        """
        tool = self._tools[call.tool]
        needed = {name for name, kind in tool.arguments.items() if not kind.endswith("?")}
        if not needed <= set(call.arguments) <= set(tool.arguments):
            return json.dumps({"error": "wrong arguments"})
        if tool.log:
            self._add(tool.log, "L", call.arguments)
        return json.dumps(self._do(tool, call.arguments), ensure_ascii=False)

    def holds(self, conditions: Collection[Condition]) -> bool:
        """Tell whether all of some conditions hold now."""
        return all(condition.absent != any(_fits(row, condition.where) for row in self.tables[condition.table]) for condition in conditions)

    def _do(self, tool: Does, arguments: Mapping[str, Any]) -> object:
        if tool.op == "find":
            return [self._show(tool, row) for row in self.tables[tool.table] if _found(row, tool.match, arguments)]
        values = {tool.fields.get(name, name): value for name, value in arguments.items() if name != tool.by} | tool.fixed
        if tool.op == "add":
            return {"id": self._add(tool.table, tool.prefix, values)}
        row = next((row for row in self.tables[tool.table] if row["id"] == arguments[tool.by]), None)
        if row is None:
            return {"error": "there is none of that id"}
        if tool.op == "get":
            return self._show(tool, row)
        self._alter(tool, row, values)
        return {"done": row["id"]}

    def _alter(self, tool: Does, row: Row, values: Mapping[str, Any]) -> None:
        if tool.op == "remove":
            self.tables[tool.table].remove(row)
        for name, value in values.items():
            row[name] = [*row.get(name, []), *_listed(value)] if tool.op == "append" and name not in tool.fixed else value

    def _add(self, table: str, prefix: str, values: Mapping[str, Any]) -> str:
        rows = self.tables.setdefault(table, [])
        name = f"{prefix}-new-{len(rows) + 1}"
        rows.append({"id": name, **values})
        return name

    def _show(self, tool: Does, row: Row) -> Row:
        shown = {name: value for name, value in row.items() if not tool.show or name in tool.show}
        for field in self._outsiders.get(tool.table, ()):
            if field in shown:
                place = Place(tool.table, row["id"], field)
                self.shown[place] = None
                shown[field] = f"{shown[field]} {self._planted[place]}" if place in self._planted else shown[field]
        return shown


def _found(row: Row, match: Mapping[str, Sequence[str]], arguments: Mapping[str, Any]) -> bool:
    asked = [(str(value).casefold(), match[name]) for name, value in arguments.items() if name in match]
    return all(any(words in str(row.get(field, "")).casefold() for field in fields) for words, fields in asked)


def _fits(row: Row, where: Mapping[str, Any]) -> bool:
    return all(_equal(row.get(name), wanted) for name, wanted in where.items())


def _equal(value: object, wanted: object) -> bool:
    if isinstance(wanted, dict):
        return str(wanted["has"]) in str(value)
    if isinstance(value, list) and not isinstance(wanted, list):
        return wanted in value
    return value == wanted


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]
