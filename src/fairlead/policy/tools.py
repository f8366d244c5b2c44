"""The tool manifest of a Release: what each tool may be called with, and what its results are worth."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from fairlead.policy.model import ArgumentKind, BudgetDocument, Constraint, Effect, Extractor, Label, Otherwise, ToolDocument, ToolStage

Kind = ArgumentKind | Literal["any"]
"""``any``: the policy says something about the argument, but nothing that fixes its type."""
TRUSTED: tuple[Label, ...] = ("user", "system", "developer", "tool", "selected", "endorsed", "const", "model")
"""Origins that will do for a critical argument unless the policy says otherwise."""
_IMPLIED: Mapping[Label, tuple[Label, ...]] = {
    "untrusted": ("untrusted", "quoted", "derived", "typed", "model", "tool", "selected", "endorsed", "const"),
    "quoted": ("untrusted", "quoted"),
    "derived": ("untrusted", "derived"),
}
"""What else is let in by whoever lets one origin in: Cedar sees every untrusted value as ``untrusted``, and how it is so."""


class Records(msgspec.Struct, frozen=True, kw_only=True):
    """How a tool's results are made of records."""

    ids: Mapping[str, str]
    by: tuple[str, ...] = ()


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """One tool that the policy lists."""

    name: str
    allow: bool | None
    """True: allowed when ``when`` holds. False: forbidden, or only by approval. None: only ``tools.cedar`` can allow it."""
    when: Mapping[str, Constraint]
    provenance: Mapping[str, tuple[Label, ...]]
    otherwise: Otherwise
    outputs: Literal["trusted", "untrusted"]
    stage: ToolStage
    critical: tuple[str, ...]
    arguments: Mapping[str, Kind]
    """Every argument that the policy speaks of, and its kind."""
    closed: bool
    """True when the call may have no other arguments."""
    optional: frozenset[str] = frozenset()
    """Arguments with a ``provenance`` that need not be there."""
    does: Effect = "irreversible"
    private: bool = False
    readers: tuple[str, ...] = ()
    egress: tuple[str, ...] = ()
    intent: tuple[str, ...] = ()
    takes: Mapping[str, str] = {}
    records: Records | None = None
    constants: frozenset[str] = frozenset()
    content: Literal["checked", "any"] = "checked"
    declassify: Mapping[str, Extractor] = {}
    budget: BudgetDocument | None = None
    where: str = ""

    @property
    def checks_content(self) -> bool:
        """Whether what its other arguments carry is asked for its origin: the call changes something, and origins matter to it."""
        return self.content == "checked" and self.does != "nothing" and bool(self.critical or self.egress or self.intent)


def compile_tool(document: ToolDocument, where: str = "") -> Tool:
    """Return the manifest entry of a tool."""
    when = dict(document.when.constraints) if document.when is not None else {}
    stated = dict(document.when.provenance) if document.when is not None else {}
    implied = {name: TRUSTED for name in document.critical if name not in stated}
    records = document.records
    return Tool(
        name=document.tool,
        allow=True if document.when is not None else document.allow,
        when=when,
        provenance={**{name: _let_in(labels) for name, labels in stated.items()}, **implied},
        optional=frozenset(implied),
        otherwise=document.otherwise,
        outputs=document.outputs,
        stage=document.stage,
        critical=document.critical,
        arguments=argument_kinds(document),
        closed=document.arguments is not None,
        does=document.does or "irreversible",
        private=document.private,
        readers=document.readers,
        egress=document.egress,
        intent=tuple(words.casefold() for words in document.intent),
        takes=document.takes,
        records=Records(ids=records.ids, by=records.by) if records is not None else None,
        constants=frozenset(document.constants),
        content=document.content,
        declassify=document.declassify,
        budget=document.budget,
        where=where,
    )


def _let_in(labels: Sequence[Label]) -> tuple[Label, ...]:
    return tuple(dict.fromkeys(implied for label in labels for implied in _IMPLIED.get(label, (label,))))


def argument_kinds(document: ToolDocument) -> dict[str, Kind]:
    """Return every argument that a tool's entry speaks of, with the kind that is declared or that its constraints imply."""
    declared = document.arguments or {}
    when = document.when
    constraints = dict(when.constraints) if when is not None else {}
    provenance = when.provenance if when is not None else ()
    sums = document.budget.total if document.budget is not None else ()
    told = (*document.critical, *document.egress, *document.takes, *document.declassify)
    spoken_of = dict.fromkeys((*declared, *constraints, *provenance, *told, *sums))
    return {name: declared.get(name) or ("number" if name in sums else implied_kind(constraints.get(name))) for name in spoken_of}


def implied_kind(constraint: Constraint | None) -> Kind:
    """Return the kind that a constraint implies for its argument."""
    if constraint is None:
        return "any"
    if constraint.max is not None or constraint.min is not None:
        return "number"
    if constraint.like is not None:
        return "string"
    value = constraint.equals if constraint.equals is not None else (constraint.one_of or (None,))[0]
    if value is None:
        return "any"
    if isinstance(value, bool):
        return "boolean"
    return "integer" if isinstance(value, int) else "string"


def contradictions(document: ToolDocument) -> list[tuple[str, str]]:
    """Return (argument, what is wrong) of each constraint that no value of the argument's kind could meet."""
    out: list[tuple[str, str]] = []
    kinds = argument_kinds(document)
    constraints = dict(document.when.constraints) if document.when is not None else {}
    for name, constraint in constraints.items():
        kind = kinds[name]
        if document.arguments is not None and name not in document.arguments:
            out.append((name, "it is not among the tool's 'arguments'"))
        out.extend((name, f"'{key}' can't hold for an argument of kind {kind}") for key in _keys(constraint) if kind not in _FITS[key])
        out.extend((name, f"the value is of another kind than {kind}") for value in _values(constraint) if not _fits(value, kind))
    return out


_TEXTS: tuple[Kind, ...] = ("string", "strings", "any")
_FITS: dict[str, tuple[Kind, ...]] = {
    "domain_in": _TEXTS,
    "max_length": _TEXTS,
    "like": ("string",),
    "max": ("integer", "number"),
    "min": ("integer", "number"),
    "equals": ("string", "strings", "integer", "number", "boolean"),
    "one_of": ("string", "strings", "integer", "number"),
}


def _keys(constraint: Constraint) -> list[str]:
    return [key for key in _FITS if getattr(constraint, key) is not None]


def _values(constraint: Constraint) -> list[str | int | bool]:
    equals = [] if constraint.equals is None else [constraint.equals]
    return [*equals, *(constraint.one_of or ())]


def _fits(value: str | bool | int, kind: Kind) -> bool:  # noqa: FBT001 - the value itself is what is looked at
    if isinstance(value, bool):
        return kind == "boolean"
    if isinstance(value, int):
        return kind in ("integer", "number") and abs(value) < 10**14
    return kind in ("string", "strings")
