"""JUnit XML of a gate, for the CI systems that show it: FAIL is a failure, ERROR an error, INCONCLUSIVE is skipped with its reason."""

from xml.etree import ElementTree as ET

from fairlead.evals.gate import GateResult
from fairlead.statistics import Judgement


def junit_xml(result: GateResult) -> str:
    """Return the JUnit report of a gate.

    Args:
        result: The gate's answer. One test case for each claim, one for each regression, and one for the gate itself.
    """
    root = ET.Element("testsuites", name=f"fairlead gate {result.suite}")
    claims = ET.SubElement(root, "testsuite", name="claims")
    for judgement in result.judgements:
        _claim(claims, judgement)
    changes = ET.SubElement(root, "testsuite", name="regressions")
    for change in result.regressions:
        case = ET.SubElement(changes, "testcase", classname=f"fairlead.regression.{change.hazard}", name=change.case)
        rules = f"; rule {', '.join(change.rules)}" if change.rules else ""
        ET.SubElement(case, "failure", message=f"was {change.was}, is {change.now}{rules}", type="regression")
    whole = ET.SubElement(root, "testsuite", name="gate")
    _whole(whole, result)
    for suite in (claims, changes, whole):
        _count(suite)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _claim(suite: ET.Element, judgement: Judgement) -> None:
    case = ET.SubElement(suite, "testcase", classname=f"fairlead.claim.{judgement.claim.metric}", name=judgement.claim.id)
    if judgement.answer == "FAIL":
        ET.SubElement(case, "failure", message=judgement.reason, type="FAIL")
    elif judgement.answer == "ERROR":
        ET.SubElement(case, "error", message=judgement.reason, type="ERROR")
    elif judgement.answer == "INCONCLUSIVE":
        ET.SubElement(case, "skipped", message=judgement.reason)
    if judgement.estimate is not None:
        ET.SubElement(case, "system-out").text = judgement.estimate.text()


def _whole(suite: ET.Element, result: GateResult) -> None:
    case = ET.SubElement(suite, "testcase", classname="fairlead.gate", name=result.suite)
    kind = {"FAIL": "failure", "INCOMPLETE": "error", "INCOMPARABLE": "error", "INCONCLUSIVE": "skipped"}.get(result.answer)
    if kind is not None:
        ET.SubElement(case, kind, message=f"{result.answer}: {'; '.join(result.reasons)}")


def _count(suite: ET.Element) -> None:
    suite.set("tests", str(len(suite)))
    for kind, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(attribute, str(len(suite.findall(f"testcase/{kind}"))))
