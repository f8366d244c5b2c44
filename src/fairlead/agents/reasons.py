"""Why a call is not allowed, in words: which condition, where the argument's value came from, and what would make it allowed.

Nothing of a value is in it. Sources are paths of the request, or tools that the policy lists.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from fairlead.agents.arguments import Value
from fairlead.agents.facts import unvouched
from fairlead.agents.provenance import Provenance, sources_of
from fairlead.policy import Label, Tool

_PLACES: Mapping[Label, str] = {
    "quoted": "stands only in data",
    "derived": "stands in no text that the model saw",
    "typed": "was taken out of data",
    "model": "was chosen by the model",
    "const": "is a word of the tool's format",
    "selected": "is the id of the record that was looked up",
    "endorsed": "was endorsed",
    "tool": "stands in a trusted result",
}


class Unmet(msgspec.Struct, frozen=True, kw_only=True):
    """One condition of the policy that a call does not meet."""

    condition: str
    """Such as ``to.provenance``, ``intent`` or ``budget.calls``."""
    argument: str = ""
    origins: tuple[Label, ...] = ()
    """Where the argument's values come from, when the condition is about that."""
    sources: tuple[str, ...] = ()
    """Where untrusted values stand."""
    mend: str = ""
    """What would make it allowed."""

    def __str__(self) -> str:
        """Return it as one line."""
        where = f" (in {', '.join(self.sources)})" if self.sources else ""
        places = [f"{_PLACES[label]}{where if label == 'quoted' else ''}" for label in self.origins if label in _PLACES]
        told = f"{self.condition}: '{self.argument}' {' and '.join(places)}" if places else self.condition
        return f"{told} - {self.mend}" if self.mend else told


class Asked(NamedTuple):
    """The call that is explained."""

    tool: Tool
    arguments: Mapping[str, Value]
    provenance: Provenance


def explain(condition: str, asked: Asked) -> Unmet:
    """Return what to say of a condition that a call does not meet."""
    argument, _, kind = condition.rpartition(".")
    if kind == "provenance":
        evidence = list(asked.provenance.evidence(argument, asked.arguments.get(argument)))
        allowed = asked.tool.provenance.get(argument, ())
        wrong = [entry for entry in evidence if not set(entry.labels) <= set(allowed)]
        origins = tuple(dict.fromkeys(label for entry in wrong for label in entry.labels if label != "untrusted"))
        mend = f"let the user name it{', or a person approve the call' if asked.tool.otherwise == 'require_approval' else ''}"
        return Unmet(condition=condition, argument=argument, origins=origins, sources=sources_of(wrong), mend=mend)
    if condition == "content":
        wrong = [found.evidence for found in unvouched(asked.tool, asked.arguments, asked.provenance)]
        origins = tuple(dict.fromkeys(label for entry in wrong for label in entry.labels if label != "untrusted"))
        mend = "an address or a number in its text comes from data: let the user name it, or say 'content: any' in the policy"
        return Unmet(condition=condition, argument="", origins=origins, sources=sources_of(wrong), mend=mend)
    if condition == "intent":
        return Unmet(condition=condition, mend=f"the user's own words must ask for it: {_listed(asked.tool.intent)}")
    if condition == "egress":
        mend = "private data was read: let the user name who gets it, or let the policy's 'readers' hold it"
        return Unmet(condition=condition, mend=mend)
    if condition.startswith("budget."):
        return Unmet(condition=condition, mend="the Trajectory's budget is spent; start another one, or raise it in the policy")
    return Unmet(condition=condition, argument=argument)


def reason(unmet: Sequence[Unmet]) -> str:
    """Return why a call is not allowed."""
    return f"not met: {'; '.join(map(str, unmet))}" if unmet else "the policy does not allow it"


def hazard(unmet: Sequence[Unmet]) -> str:
    """Return the hazard that an attempt is recorded as."""
    leaks = any(entry.condition.endswith((".domain_in", ".provenance")) or entry.condition == "egress" for entry in unmet)
    return "data_exfiltration" if leaks else "tool_abuse"


def _listed(phrases: Sequence[str]) -> str:
    return ", ".join(f"'{phrase}'" for phrase in phrases[:4]) + (", …" if len(phrases) > 4 else "")
