"""The YAML of suites with the line of every value; plain values only.

Smaller than the reader of policies on purpose, so that a gate can be asked without loading policies and their detectors.
"""

from typing import NamedTuple, Protocol, TypeAlias

import yaml

from fairlead.core import Problems
from fairlead.evals.errors import SuiteInvalid

Place: TypeAlias = tuple[str | int, ...]

_MAX_CHARS = 1_000_000
_MEND = "write plain YAML: no anchors, no aliases, no tags, each key once"


class Source(NamedTuple):
    """What a file says, and on which line."""

    path: str
    value: object
    lines: dict[Place, int]

    def where(self, place: Place) -> str:
        """Return ``file:line`` of a place, or of the closest place above it that is in the file."""
        while place and place not in self.lines:
            place = place[:-1]
        return f"{self.path}:{self.lines.get(place, 1)}"


def read_source(path: str, text: str) -> Source:
    """Parse the YAML of a suite.

    Args:
        path: How errors name the file.
        text: What it holds.

    Raises:
        Problems: It is not plain YAML; names the line.
    """
    if len(text) > _MAX_CHARS:
        raise _refuse(path, 1, f"the file is longer than {_MAX_CHARS} characters")
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise _refuse(path, _line(event.start_mark), "anchors and aliases are not allowed")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise _refuse(path, _line(error.problem_mark or error.context_mark), str(error.problem or "this is not YAML")) from error
    except yaml.YAMLError as error:
        raise _refuse(path, 1, "this is not YAML") from error
    lines: dict[Place, int] = {}
    return Source(path, None if node is None else _plain(path, node, (), lines), lines)


def _plain(path: str, node: yaml.Node, place: Place, lines: dict[Place, int]) -> object:
    lines[place] = _line(node.start_mark)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(path, item, (*place, index), lines) for index, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        found: dict[str, object] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value in found:
                raise _refuse(path, _line(key.start_mark), "a key is here twice, or is no plain word")
            found[key.value] = _plain(path, value, (*place, key.value), lines)
        return found
    return _scalar(path, node)


def _scalar(path: str, node: yaml.Node) -> object:
    text, kind = str(node.value), node.tag.rpartition(":")[2]
    try:
        if kind in ("int", "float"):
            return int(text) if kind == "int" else float(text)
    except ValueError:
        return text
    if kind == "null":
        return None
    if kind not in ("str", "bool", "timestamp"):
        raise _refuse(path, _line(node.start_mark), "tags are not allowed")
    return text


class _Mark(Protocol):
    @property
    def line(self) -> int: ...


def _line(mark: _Mark | None) -> int:
    return 1 if mark is None else mark.line + 1


def _refuse(path: str, line: int, what: str) -> Problems:
    return Problems(f"{path} is refused", (SuiteInvalid(what, where=f"{path}:{line}", mend=_MEND),))
