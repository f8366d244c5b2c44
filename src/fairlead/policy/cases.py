"""Unit tests of a policy, in a file beside it: what must happen to a text or a tool call."""

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from fairlead.core import Action, Origin, Problems, Stage
from fairlead.policy.base import Document, Name
from fairlead.policy.documents import validate
from fairlead.policy.errors import PolicyShape
from fairlead.policy.source import Source, read_source


class ExpectDocument(Document):
    """What must come of it."""

    action: Action
    rule: Name | None = None
    """Id of the rule that must decide; an empty expectation leaves it open."""
    text: str | None = None
    """The text that must go on, for redactions and replacements."""


class CallDocument(Document):
    """A tool call."""

    name: str
    arguments: dict[str, Any] | str
    """Arguments, or their raw JSON."""


class SeenDocument(Document):
    """A text that the model saw before the call; the provenance of arguments comes from these."""

    origin: Origin
    text: str


class PolicyCase(Document):
    """One test."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    stage: Stage
    text: str | None = None
    origin: Origin | None = None
    """Who wrote the text; what is usual for the Stage by default."""
    tool_call: CallDocument | None = None
    seen: Annotated[tuple[SeenDocument, ...], BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)] = ()
    expect: ExpectDocument

    @model_validator(mode="after")
    def _one_subject(self) -> Self:
        if (self.text is None) == (self.tool_call is None):
            raise PydanticCustomError("case", "the test needs either 'text' or 'tool_call'", {"mend": "give one of them"})
        if (self.tool_call is not None) != (self.stage == "tool_call"):
            raise PydanticCustomError("case", "'tool_call' belongs to 'stage: tool_call'", {"mend": "use both or neither"})
        return self


class _File(Document):
    tests: Annotated[tuple[PolicyCase, ...], BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)]


def load_cases(path: str, text: str) -> tuple[tuple[PolicyCase, str], ...]:
    """Read the tests of a policy.

    Args:
        path: How errors name the file.
        text: A list of tests.

    Returns:
        Each test and its ``file:line``.

    Raises:
        Problems: Every problem of the file, each with its line.
    """
    source = read_source(path, text)
    if not isinstance(source.value, list):
        problem = PolicyShape("the file is not a list of tests", where=f"{path}:1", mend="start each test with '- name:'")
        raise Problems(f"{path} is refused", (problem,))
    # The list becomes the one key of a document, so that its problems are told like those of any other file.
    lines = {("tests", *place): line for place, line in source.lines.items()}
    wrapped = Source(path, {"tests": source.value}, {(): 1, **lines})
    document, problems = validate(wrapped, _File)
    if document is None:
        raise Problems(f"{path} is refused", tuple(problems))
    return tuple((case, wrapped.where(("tests", index))) for index, case in enumerate(document.tests))
