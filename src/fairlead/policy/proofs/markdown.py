"""A report as a comment on a change, in Markdown."""

from fairlead.policy.proofs.findings import Finding, Report, State
from fairlead.policy.proofs.told import lines

_HEADS: dict[State, str] = {
    "violated": "Does not hold",
    "review": "A person must look: nobody knows",
    "note": "Worth a look",
}
_SUMS: dict[State, str] = {
    "proven": "Everything that was asked is proven.",
    "note": "Everything that was asked is proven.",
    "review": "Some questions have no answer: review them before this goes in force.",
    "violated": "This policy does not keep what is asked of it, or lets through what the one in force does not.",
}


def markdown(report: Report) -> str:
    """Return a report as Markdown."""
    parts = ["## Policy proofs", "", f"{_SUMS[report.state]} ({_count(report, 'proven')} proven)", ""]
    for state, head in _HEADS.items():
        found = [finding for finding in report.findings if finding.state == state]
        if found:
            parts += [f"### {head}", "", *(line for finding in found for line in _item(finding)), ""]
    compared = f", against `{report.against}`" if report.against else ""
    return "\n".join((*parts, f"<sub>release `{report.release}`{compared}; every call was confirmed by the engine</sub>", ""))


def _item(finding: Finding) -> list[str]:
    head = f"- **{finding.check}** `{finding.tool}` ({_code(finding.subject)}): {finding.what}"
    place = f" — {_code(finding.where)}" if finding.where else ""
    return [head + place, *(f"  - {_code(line)}" for line in lines(finding))]


def _count(report: Report, state: State) -> int:
    return sum(1 for finding in report.findings if finding.state == state)


def _code(text: str) -> str:
    """Return text that Markdown shows as it is, whatever a policy has written into it."""
    return f"`{' '.join(text.replace('`', chr(0x2019)).split())}`"
