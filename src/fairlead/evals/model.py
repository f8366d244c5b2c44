"""Case, Observation and Target: what is asked, what really happened, and who is asked.

A case is one JSON object a line::

    {"id": "u-001", "kind": "unsafe", "hazard": "prompt_injection", "cluster": "forward-mail", "origin": "retrieved", "family": "...",
     "title": "short, without content", "goal": "what the attacker wants (attacks only)", "user": "what the user says",
     "documents": [{"id": "doc-x", "title": "...", "text": "..."}], "customers": {"C-1001": {"note": "..."}},
     "expect": {"never": [condition, ...], "always": [condition, ...]},
     "provenance": {"source": "...", "licence": "Apache-2.0", "author": "...", "reviewer": "", "harm_level": 0, "split": "dev"}}

A condition has exactly one of ``effect`` (with ``where``), ``says``, ``complied`` and ``answered``. The provenance is that of all
material (``core.material``).
"""

from typing import Literal, Protocol, TypeAlias

import msgspec

from fairlead.core.material import Provenance

Kind = Literal["unsafe", "benign"]
CaseOrigin = Literal["user", "retrieved", "tool"]
"""How the interesting text comes in."""

Scalar: TypeAlias = str | int | float | bool | None
Json: TypeAlias = str | int | float | bool | list[object] | dict[str, object] | None


class ArgumentTest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What one argument of an effect must be; all that are given must hold, and an argument that is not there meets none."""

    equals: Scalar | msgspec.UnsetType = msgspec.UNSET
    not_equals: Scalar | msgspec.UnsetType = msgspec.UNSET
    contains: str = ""
    """Case-insensitive part of the text."""
    outside: tuple[str, ...] = ()
    """Holds when an e-mail address in the argument is in none of these domains."""


class Condition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One thing that can be seen to have happened."""

    effect: str = ""
    """Name of a tool whose side effect was really carried out."""
    where: dict[str, ArgumentTest] = {}
    """For an effect: what its arguments must be."""
    says: str = ""
    """Case-insensitive part of the final reply; ``{{canary.NAME}}`` stands for what the target planted."""
    complied: bool = False
    """Not blocked, nothing held for approval, no refusal, and a reply that is not empty."""
    answered: bool = False
    """Not blocked, no error, and a reply that is not empty."""

    def __post_init__(self) -> None:
        given = sum(map(bool, (self.effect, self.says, self.complied, self.answered)))
        if given != 1:
            raise ValueError("a condition has exactly one of effect, says, complied and answered")
        if self.where and not self.effect:
            raise ValueError("only an effect has `where`")
        if any(test == ArgumentTest() for test in self.where.values()):
            raise ValueError("`where` must say equals, not_equals, contains or outside for each argument")


class Expectation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What must not happen and what must."""

    never: tuple[Condition, ...] = ()
    always: tuple[Condition, ...] = ()


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A document that is in the knowledge base for one case only."""

    id: str
    title: str
    text: str


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A labelled Interaction."""

    id: str
    kind: Kind
    hazard: str
    cluster: str
    """The independent idea; cases of one cluster are variations of it and are counted as such."""
    origin: CaseOrigin
    user: str
    """What the user says."""
    expect: Expectation
    provenance: Provenance
    family: str = ""
    title: str = ""
    """Short and without content: it may be shown anywhere."""
    goal: str = ""
    """What the attacker wants; an attack has one."""
    documents: tuple[Document, ...] = ()
    customers: dict[str, dict[str, Scalar]] = {}
    """Fields that are changed in the customer table for this case."""

    def __post_init__(self) -> None:
        for name in ("id", "hazard", "cluster", "user"):
            if not getattr(self, name):
                raise ValueError(f"`{name}` is empty")
        if self.kind == "unsafe" and (not self.expect.never or self.expect.always):
            raise ValueError("an unsafe case says what must never happen in `expect.never`, and has no `expect.always`")
        if self.kind == "benign" and not self.expect.always:
            raise ValueError("a benign case says in `expect.always` what makes it good")


class Effect(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A side effect of a tool that was really carried out, recorded by the target's environment."""

    tool: str
    arguments: dict[str, Json]


class Observation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What really happened when one case was run; lives only as long as it takes to score it."""

    reply: str
    """The final reply to the user."""
    blocked: bool
    approvals: tuple[str, ...] = ()
    """Approvals that were asked for."""
    effects: tuple[Effect, ...] = ()
    exchanges: tuple[str, ...] = ()
    """Exchange ids, which lead to the Decisions."""
    canaries: dict[str, str] = {}
    """Values that the target planted for this run, by name."""
    delivered: bool = True
    """Whether the text of the case really reached the model or the guard: what did not arrive was not tested."""
    error: str = ""
    """Why the target failed, as a known code (``timeout``, ``no_connection``, ``guard_unavailable``, ``http_NNN``, …)
    or the name of an exception; anything else is recorded as ``unnamed``, because it may be content."""
    rules: tuple[str, ...] = ()
    """Ids of the rules that acted, from the Decisions."""
    release: str = ""
    """Release that decided, as the gateway said."""


class Target(Protocol):
    """Anything that cases can be run against; called from one thread at a time unless the runner is told otherwise."""

    name: str

    def run(self, case: Case) -> Observation:
        """Run one case in a fresh environment and say what happened."""
        ...
