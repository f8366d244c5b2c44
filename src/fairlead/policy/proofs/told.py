"""Requests and findings in words, for people who read a terminal or a review."""

from collections.abc import Iterator, Mapping

from fairlead.policy.proofs.findings import Finding, Witness
from fairlead.policy.proofs.requests import Json, Request

_USUAL: Mapping[str, Json] = {"tainted": False, "private_seen": False, "intended": True, "calls": 1, "step": 1}
_SAID: Mapping[str, str] = {
    "tainted": "untrusted text was read",
    "private_seen": "private data was read",
    "intended": "the user did not ask for it",
}
ANSWERS = {"allow": "allowed", "require_approval": "a person must approve", "block": "blocked"}


def call(request: Request) -> str:
    """Return a request as one line: the arguments with what is known of them, and what is unusual about the session."""
    arguments = [f"{name}{_about(request, name)}" for name in _arguments(request)]
    if request.undeclared:
        arguments.append("an argument that is not declared")
    session = "; ".join(_session(request))
    return f"{request.tool}({', '.join(arguments)})" + (f" when {session}" if session else "")


def outcome(witness: Witness) -> str:
    """Return what the engine answers, and what it answered before."""
    after = ANSWERS[witness.outcome]
    return after if witness.before is None else f"{ANSWERS[witness.before]} before, {after} now"


def lines(finding: Finding) -> Iterator[str]:
    """Yield what a finding says beyond its first line."""
    if finding.path:
        yield " -> ".join(finding.path)
    witness = finding.witness
    if witness is not None:
        if witness.better is not None:
            yield f"first: {call(witness.better)}"
        yield f"call: {call(witness.request)}"
        yield f"the engine says: {outcome(witness)}"


def _arguments(request: Request) -> list[str]:
    context = request.context
    derived = [name.rpartition(".")[0] for name in _record(context, "derived") if not name.endswith(".count")]
    present = context["present"]
    named = present if isinstance(present, list) else []
    return list(dict.fromkeys((*named, *_record(context, "input"), *derived, *_record(context, "prov"))))


def _about(request: Request, name: str) -> str:
    value = _record(request.context, "input").get(name)
    facts = [] if value is None else [_short(value)]
    derived = {key.rpartition(".")[2]: of for key, of in _record(request.context, "derived").items() if key.rpartition(".")[0] == name}
    facts += [f"{key} {_short(of)}" for key, of in derived.items() if key != "count"]
    origins = _record(request.context, "prov").get(name)
    if isinstance(origins, list):
        facts.append(f"from {' and '.join(label for label in origins if label != 'untrusted' or len(origins) == 1)}")
    return f": {', '.join(facts)}" if facts else ""


def _session(request: Request) -> Iterator[str]:
    for name, value in _record(request.context, "session").items():
        if value != _USUAL.get(name):
            yield _SAID.get(name) or f"{name} is {_short(value)}"
    if request.context["readers_ok"] is False:
        yield "somebody would get it who may not read it"
    if request.context["content_ok"] is False:
        yield "its text carries an address or a number that data names"
    if request.principal != "anybody":
        yield f"the user is {request.principal}"


def _record(context: Mapping[str, Json], name: str) -> dict[str, Json]:
    found = context.get(name)
    return found if isinstance(found, dict) else {}


def _short(value: Json) -> str:
    return ", ".join(value) or "none" if isinstance(value, list) else repr(value) if isinstance(value, str) else str(value)
