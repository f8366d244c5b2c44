"""What outsiders could make happen: irreversible calls that nobody approves, and private data that leaves."""

from collections.abc import Iterator, Mapping

import msgspec

from fairlead.policy.proofs.contract import Facts
from fairlead.policy.proofs.findings import Check, Finding, Outcome, State, Witness
from fairlead.policy.proofs.solver import Search
from fairlead.policy.proofs.subject import Subject
from fairlead.policy.proofs.terms import Term
from fairlead.policy.tools import Tool


def approval_findings(subject: Subject, *, stated: bool) -> Iterator[Finding]:
    """Yield whether an irreversible call can be made on untrusted values without a person.

    What counts are the arguments that an attacker would want to choose; for a tool whose entry names none, any call counts that is made
    once untrusted text was read.

    Args:
        subject: The tool.
        stated: Whether the policy says what the tool does; a tool of which nobody knows counts as irreversible.
    """
    if subject.tool.does != "irreversible":
        return
    facts, chosen = Facts(subject.terms), aimed(subject.tool)
    untrusted = [facts.holds("untrusted", "prov", name) for name in chosen]
    wanted = (subject.answer.allow, facts.flag("session", "tainted"), subject.terms.some(*untrusted) if chosen else subject.terms.true)
    call = f"an irreversible call {f'with untrusted {_either(chosen)}' if chosen else 'after untrusted text was read'}"
    found = subject.find(*wanted)
    if found.found == "none":
        yield _told(subject, "approval-needed", "proven", f"{call} always needs a person, or is blocked")
    elif found.found == "unknown":
        yield _told(subject, "approval-needed", "review", f"the solver can't say whether {call} always needs a person")
    else:
        witness = _witness(subject, found, wanted)
        confirmed = witness.outcome == "allow"
        what = f"{call} needs no person" if confirmed else f"it may be that {call} needs no person; the engine does not confirm it"
        unstated = "" if stated else ". The policy does not say what the tool 'does', so it counts as irreversible"
        yield _told(subject, "approval-needed", "violated" if confirmed else "review", what + unstated, witness)


def exfiltration_findings(subjects: Mapping[str, Subject]) -> Iterator[Finding]:
    """Yield every way from a tool that gives private data to one that can carry it to where untrusted text says, with nobody asked.

    Args:
        subjects: Every tool that the policy lists.
    """
    sources = [subject for subject in subjects.values() if subject.tool.private and subject.find(subject.answer.allow).found != "none"]
    sinks = [subject for subject in subjects.values() if leads_out(subject.tool)]
    for sink in sinks if sources else ():
        yield from _escapes(sources, sink)


def _escapes(sources: list[Subject], sink: Subject) -> Iterator[Finding]:
    facts, terms, out = Facts(sink.terms), sink.terms, leads_out(sink.tool)
    untrusted = [facts.holds("untrusted", "prov", name) for name in out]
    unread = terms.negation(facts.flag("readers_ok")) if sink.tool.egress else terms.true
    wanted = (sink.answer.allow, facts.flag("session", "private_seen"), terms.some(*untrusted), unread)
    found = sink.find(*wanted)
    names = ", ".join(source.name for source in sources)
    if found.found == "none":
        yield _told(
            sink, "no-exfiltration", "proven", f"what {names} gave can't leave by it to where untrusted text says, unless a person agrees"
        )
        return
    if found.found == "unknown":
        yield _told(sink, "no-exfiltration", "review", "the solver can't say whether private data can leave by it")
        return
    for source in sources:
        path = (f"{source.name} (private)", f"{sink.name}.{_either(out)}")
        witness = _witness(sink, found, wanted)
        confirmed = witness.outcome == "allow"
        what = f"what {source.name} gave can leave by it to where untrusted text says, and nobody is asked"
        told = what if confirmed else f"it may be that {what}; the engine does not confirm it"
        finding = _told(sink, "no-exfiltration", "violated" if confirmed else "review", told, witness)
        yield msgspec.structs.replace(finding, path=path)


def _witness(subject: Subject, found: Search, wanted: tuple[Term, ...]) -> Witness:
    request = subject.request(found, *wanted)
    return Witness(request=request, outcome=subject.engine.outcome(request), expected=stricter(subject.tool))


def stricter(tool: Tool) -> Outcome:
    """Return what a tool's calls should come to that are not allowed."""
    return "require_approval" if tool.otherwise == "require_approval" else "block"


def _either(names: list[str]) -> str:
    return " or ".join(names)


def _told(subject: Subject, check: Check, state: State, what: str, witness: Witness | None = None) -> Finding:
    name, where = f"tools.{subject.name}", subject.tool.where
    return Finding(check=check, state=state, tool=subject.name, subject=name, what=what, where=where, witness=witness)


def aimed(tool: Tool) -> list[str]:
    """Return the arguments that an attacker would want to choose."""
    return list(dict.fromkeys((*tool.critical, *tool.egress, *tool.provenance)))


def leads_out(tool: Tool) -> list[str]:
    """Return the arguments that say where data goes: those that the manifest names, or else those that a mail domain bounds."""
    return list(tool.egress) or [name for name, constraint in tool.when.items() if constraint.domain_in is not None]
