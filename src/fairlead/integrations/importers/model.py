"""What an importer gives, and the words that a policy is written with."""

import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import yaml

from fairlead.core import InvalidInput

MAX_CHARS = 1_000_000
"""Characters of a configuration at most."""


class Note(NamedTuple):
    """One thing of the old configuration, and what became of it."""

    what: str
    """Where it stands there, such as ``guardrails.pii``."""
    became: str
    """What it is now, or why it is nothing."""
    carried: bool


class Imported(NamedTuple):
    """A policy, and an account of how it came about."""

    policy: str
    """Text of the policy file."""
    notes: tuple[Note, ...]


def read_yaml(text: str, where: str) -> Mapping[str, object]:
    """Read a configuration; anchors are allowed, since others allow them.

    Args:
        text: The file.
        where: What to call it in an error.

    Raises:
        InvalidInput: No YAML mapping, or too long; nothing of it is quoted.
    """
    mend = "give the file that the old guard was started with"
    if len(text) > MAX_CHARS:
        raise InvalidInput(f"the file is longer than {MAX_CHARS} characters", where=where, mend=mend)
    try:
        value = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InvalidInput("the file is not YAML", where=f"{where}:{line}", mend=mend) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InvalidInput("the file is not YAML", where=where, mend=mend) from error
    if not isinstance(value, dict):
        raise InvalidInput("the file holds no settings", where=where, mend=mend)
    return {key: entry for key, entry in value.items() if isinstance(key, str)}


def flow(entry: Mapping[str, object]) -> str:
    """Return a mapping on one line of YAML; what is JSON is YAML."""
    return "{" + ", ".join(f"{key}: {_scalar(value)}" for key, value in entry.items()) + "}"


def _scalar(value: object) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_scalar(one) for one in value) + "]"
    if isinstance(value, str) and value.replace("_", "").replace("-", "").isalnum() and value[:1].isalpha() and value.lower() not in _WORDS:
        return value
    return json.dumps(value)


_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
"""What YAML reads as no word."""


def lines_of(name: str, entries: Iterable[Mapping[str, object]]) -> list[str]:
    """Return a section of a policy that is a list."""
    return [f"{name}:", *(f"  - {flow(entry)}" for entry in entries)]
