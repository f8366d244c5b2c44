"""YAML with line numbers: the one way in for files that people write.

Plain YAML only. Anchors, aliases, merge keys and tags are refused (a few lines of aliases can expand to gigabytes), as are duplicate
keys (the last would win in silence). Words are words: only ``true`` and ``false`` are booleans, and ``010`` or ``1:30`` are no numbers.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

import yaml

from fairlead.core import FairleadError, Problems
from fairlead.policy.errors import PolicySyntax

Plain: TypeAlias = "str | int | float | bool | list[Plain] | dict[str, Plain] | None"
Place: TypeAlias = tuple[str | int, ...]
"""Keys and indexes from the top of the document, such as ``("rules", 0, "do")``."""

MAX_CHARS = 1_000_000
MAX_DEPTH = 32

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9_]{0,24})\Z")
_DECIMAL = re.compile(r"[-+]?[0-9][0-9_]*\.[0-9]+([eE][-+]?[0-9]+)?\Z")


class Source(NamedTuple):
    """A parsed file: its values, and the line of each."""

    path: str
    value: Plain
    lines: Mapping[Place, int]
    told: Mapping[Place, str] = {}
    """Places that come from another file, with its name and line."""

    def where(self, place: Place) -> str:
        """Return ``file:line`` of a place, or of the closest place above it that is in the file."""
        while place and place not in self.lines and place not in self.told:
            place = place[:-1]
        if place in self.told:
            return self.told[place]
        return f"{self.path}:{self.lines.get(place, 1)}"


class _Loader(yaml.SafeLoader):
    """The safe loader, without aliases and with a bound on depth."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:  # noqa: ANN401 - the loader's own signature
        event = self.peek_event()  # type: ignore[no-untyped-call]  # PyYAML's stubs leave this method untyped
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.composer.ComposerError(None, None, "anchors and aliases are not allowed", event.start_mark)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise yaml.composer.ComposerError(None, None, f"nested deeper than {MAX_DEPTH} levels", event.start_mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def read_source(path: str, text: str) -> Source:
    """Parse a YAML file that a person wrote.

    Args:
        path: How errors name the file.
        text: What it holds; reading it is the caller's business.

    Raises:
        Problems: It is not plain YAML; lists every duplicate key, tag and odd key with its line.
    """
    if len(text) > MAX_CHARS:
        raise _refuse(path, [PolicySyntax(f"the file is longer than {MAX_CHARS} characters", where=f"{path}:1", mend="split it")])
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}:{mark.line + 1 if mark else 1}"
        raise _refuse(path, [PolicySyntax(str(error.problem or "not YAML"), where=where, mend=_mend(str(error.problem)))]) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problem = PolicySyntax("a character that YAML does not allow", where=f"{path}:{line}", mend="remove the control character")
        raise _refuse(path, [problem]) from error
    lines: dict[Place, int] = {(): 1}
    problems: list[FairleadError] = []
    value = _plain(node, (), _Walk(path, lines, problems)) if node is not None else None
    if problems:
        raise _refuse(path, problems)
    return Source(path, value, lines)


class _Walk(NamedTuple):
    path: str
    lines: dict[Place, int]
    problems: list[FairleadError]

    def complain(self, node: yaml.Node, what: str, mend: str) -> None:
        self.problems.append(PolicySyntax(what, where=f"{self.path}:{node.start_mark.line + 1}", mend=mend))


def _plain(node: yaml.Node, place: Place, walk: _Walk) -> Plain:
    walk.lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return dict(_pairs(node, place, walk))
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*place, index), walk) for index, item in enumerate(node.value)]
    return _scalar(node, walk)


def _pairs(node: yaml.MappingNode, place: Place, walk: _Walk) -> Iterator[tuple[str, Plain]]:
    seen: dict[str, int] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode) or key_node.value == "<<":
            walk.complain(key_node, "a key must be plain text, and merge keys are not allowed", "write the keys out")
            continue
        key = key_node.value
        if key in seen:
            walk.complain(key_node, f"the key '{key}' is here twice (first on line {seen[key]})", "keep one of them")
            continue
        seen[key] = line
        walk.lines[(*place, key)] = line
        yield key, _plain(value_node, (*place, key), walk)


def _scalar(node: yaml.Node, walk: _Walk) -> Plain:
    text = str(node.value)
    kind = node.tag.removeprefix("tag:yaml.org,2002:")
    if kind == "null":
        return None
    if kind == "bool" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if kind == "int" and _INTEGER.match(text):
        return int(text.replace("_", ""))
    if kind == "float" and _DECIMAL.match(text):
        return float(text.replace("_", ""))
    if kind not in ("str", "bool", "int", "float", "timestamp"):
        walk.complain(node, "tags are not allowed", "write a plain value")
    return text


def _mend(problem: str) -> str:
    if "mapping values" in problem:
        return "put the value in quotes, or check the indentation"
    if "anchors" in problem:
        return "write the values out"
    if "single document" in problem:
        return "keep one document a file: remove the '---' line"
    return "check indentation, quotes and brackets on this line and the one above"


def _refuse(path: str, problems: list[FairleadError]) -> Problems:
    return Problems(f"{path} is refused", tuple(problems))
