"""From a proof's witness to a test of the policy: a real call, after real texts, that the broker answers as the proof says."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from fairlead.agents.rehearsal import Rehearsal
from fairlead.core import Origin
from fairlead.policy import SCALE, PolicyCase, Release, Tool
from fairlead.policy.proofs import Finding, Outcome, Request

Plain: TypeAlias = str | int | float | bool
_STANDS: Mapping[str, Origin] = {"user": "user", "system": "system", "developer": "developer", "quoted": "retrieved"}
"""Origin of a value, and the text that it stands in; a value with another origin stands nowhere."""
_NOWHERE = ("derived", "model")
MAX_LENGTH = 2_000
"""Characters of a text that is made up at most."""


def case_of(finding: Finding, answers: Sequence[tuple[Release, Outcome]]) -> PolicyCase | None:
    """Return a witness as a test of the policy, or None when no single call after plain texts shows it.

    Args:
        finding: What was proven not to hold.
        answers: What the test must come to under which Release before it is believed.
    """
    witness = finding.witness
    if witness is None or not answers:
        return None
    tool = next((found for release, _ in answers if (found := release.tool(finding.tool)) is not None), None)
    draft = _Draft(witness.request, tool)
    if not draft.complete:
        return None
    case = PolicyCase.model_validate(
        {
            "name": f"{finding.check}: {finding.tool}, {finding.subject}"[:120],
            "stage": "tool_call",
            "seen": [{"origin": origin, "text": text} for origin, text in draft.seen()],
            "tool_call": {"name": finding.tool, "arguments": draft.arguments},
            "expect": {"action": witness.expected},
        }
    )
    shown = all(Rehearsal(release).run(case).decision.action == outcome for release, outcome in answers)
    return case if shown else None


class _Draft:
    """A call and the texts before it, made up so that the broker computes the request."""

    def __init__(self, request: Request, tool: Tool | None) -> None:
        self._context = request.context
        self._tool = tool
        self._texts: dict[Origin, list[str]] = {}
        self.arguments: dict[str, object] = {}
        self.complete = True
        """False when a part of the request can't be made up."""
        for name in self._names():
            self._argue(name)
        if request.undeclared:
            self.arguments["undeclared"] = "x"
        session = _record(self._context, "session")
        if session.get("tainted"):
            self._texts.setdefault("retrieved", ["A page."])
        if session.get("intended") and tool is not None and tool.intent:
            self._texts.setdefault("user", []).extend(word.split("|")[0] for word in tool.intent[0].split())
        if not self._texts:
            self._texts["user"] = ["Go on."]

    def seen(self) -> Iterator[tuple[Origin, str]]:
        """Yield the texts before the call."""
        for origin, texts in self._texts.items():
            yield origin, " ".join(texts)

    def _names(self) -> list[str]:
        present = self._context["present"]
        derived = [name.rpartition(".")[0] for name in _record(self._context, "derived") if not name.endswith(".count")]
        named = present if isinstance(present, list) else []
        return list(dict.fromkeys((*named, *_record(self._context, "input"), *_record(self._context, "prov"), *derived)))

    def _argue(self, name: str) -> None:
        origins = _record(self._context, "prov").get(name)
        labels = [label for label in origins if label != "untrusted"] if isinstance(origins, list) else []
        values, joined = self._values(name, max(len(labels), 1))
        if len(labels) > len(values) or not set(labels) <= {*_STANDS, *_NOWHERE}:
            self.complete = False
            return
        for place, value in enumerate(values):
            label = labels[min(place, len(labels) - 1)] if labels else ""
            if label in _STANDS:
                self._texts.setdefault(_STANDS[label], []).append(f'Use "{value}".')
        self.arguments[name] = joined

    def _values(self, name: str, count: int) -> tuple[list[Plain], object]:
        """Return the values of an argument, and the argument."""
        derived = {key.rpartition(".")[2]: of for key, of in _record(self._context, "derived").items() if key.rpartition(".")[0] == name}
        kind = self._tool.arguments.get(name, "any") if self._tool is not None else "any"
        if isinstance(domains := derived.get("domains"), list) and domains:
            listed = [*domains, *[domains[0]] * (count - len(domains))]
            addresses: list[Plain] = [f"person{place}@{domain}" if domain else "nobody" for place, domain in enumerate(listed)]
            return addresses, addresses if kind == "strings" else ", ".join(map(str, addresses))
        given = _record(self._context, "input").get(name)
        if isinstance(given, list):
            return [*given], given
        single = self._single(name, given, derived)
        if kind == "strings" or (kind == "any" and count > 1):
            many: list[Plain] = [f"{single}-{place}" for place in range(count)]
            return many, many
        return [single], single

    def _single(self, name: str, given: object, derived: Mapping[str, object]) -> Plain:
        if isinstance(given, str | int):
            return given
        if isinstance(scaled := derived.get("e4"), int):
            return scaled // SCALE if scaled % SCALE == 0 else scaled / SCALE
        if isinstance(hosts := derived.get("hosts"), list) and hosts:
            return f"https://{hosts[0]}/"
        if isinstance(path := derived.get("path"), str):
            return path
        if isinstance(length := derived.get("length"), int):
            return "x" * min(length, MAX_LENGTH)
        return f"value of {name}"


def _record(context: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = context.get(name)
    return found if isinstance(found, dict) else {}
