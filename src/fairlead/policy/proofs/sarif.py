"""A report as SARIF 2.1.0 (OASIS, 2020; read November 2026), which code hosts show beside the lines of a change."""

from collections.abc import Mapping

from fairlead.policy.proofs.findings import Check, Finding, Report, State
from fairlead.policy.proofs.told import lines

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
CHECKS: Mapping[Check, str] = {
    "translated": "Every rule could be translated",
    "never-errors": "No rule can be an error",
    "rule-matters": "Every rule decides some call",
    "taint-monotone": "Worse origins never get a call allowed",
    "approval-needed": "An irreversible call on untrusted values needs a person",
    "invariant": "What must never happen can't",
    "no-exfiltration": "Private data can't leave to where untrusted text says",
    "diff": "Both policies answer every call alike",
}
_KINDS: Mapping[State, tuple[str, str]] = {
    "proven": ("pass", "none"),
    "note": ("fail", "note"),
    "review": ("fail", "warning"),  # viewers hide the kind "review", and what nobody knows must not look like a pass
    "violated": ("fail", "error"),
}


def sarif(report: Report, version: str) -> dict[str, object]:
    """Return a report as one SARIF log.

    Args:
        report: What was found.
        version: Of Fairlead.
    """
    rules = [{"id": check, "shortDescription": {"text": text}} for check, text in CHECKS.items()]
    site = "https://fairlead.readthedocs.io/"
    driver = {"name": "fairlead policy verify", "version": version, "informationUri": site, "rules": rules}
    results = [_result(finding) for finding in report.findings]
    properties = {"release": report.release, "against": report.against}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results, "properties": properties}]}


def _result(finding: Finding) -> dict[str, object]:
    kind, level = _KINDS[finding.state]
    text = "\n".join((f"{finding.tool}, {finding.subject}: {finding.what}", *lines(finding)))
    result: dict[str, object] = {
        "ruleId": finding.check,
        "ruleIndex": [*CHECKS].index(finding.check),
        "kind": kind,
        "level": level,
        "message": {"text": text},
        "partialFingerprints": {"question/v1": f"{finding.check}/{finding.tool}/{finding.subject}"},
    }
    file, _, line = finding.where.rpartition(":")
    if file and line.isdigit():
        place = {"artifactLocation": {"uri": file}, "region": {"startLine": int(line)}}
        result["locations"] = [{"physicalLocation": place}]
    return result
