"""JUnit XML of a gate, for the CI systems that show it: FAIL is a failure, ERROR an error, INCONCLUSIVE is skipped with its reason."""

from xml.etree import ElementTree as Xml

from fairlead.evals.gate import GateResult
from fairlead.statistics import Judgement


def junit_xml(result: GateResult) -> str:
    """Return the JUnit report of a gate.

    Args:
        result: The gate's answer. One test case for each claim, one for each regression, and one for the gate itself.
    """
    root = Xml.Element("testsuites", name=f"fairlead gate {result.suite}")
    claims = Xml.SubElement(root, "testsuite", name="claims")
    for judgement in result.judgements:
        _claim(claims, judgement)
    changes = Xml.SubElement(root, "testsuite", name="regressions")
    for change in result.regressions:
        case = Xml.SubElement(changes, "testcase", classname=f"fairlead.regression.{change.hazard}", name=change.case)
        rules = f"; rule {', '.join(change.rules)}" if change.rules else ""
        Xml.SubElement(case, "failure", message=f"was {change.was}, is {change.now}{rules}", type="regression")
    whole = Xml.SubElement(root, "testsuite", name="gate")
    _whole(whole, result)
    for suite in (claims, changes, whole):
        _count(suite)
    Xml.indent(root)
    return Xml.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _claim(suite: Xml.Element, judgement: Judgement) -> None:
    case = Xml.SubElement(suite, "testcase", classname=f"fairlead.claim.{judgement.claim.metric}", name=judgement.claim.id)
    if judgement.answer == "FAIL":
        Xml.SubElement(case, "failure", message=judgement.reason, type="FAIL")
    elif judgement.answer == "ERROR":
        Xml.SubElement(case, "error", message=judgement.reason, type="ERROR")
    elif judgement.answer == "INCONCLUSIVE":
        Xml.SubElement(case, "skipped", message=judgement.reason)
    if judgement.estimate is not None:
        Xml.SubElement(case, "system-out").text = judgement.estimate.text()


def _whole(suite: Xml.Element, result: GateResult) -> None:
    case = Xml.SubElement(suite, "testcase", classname="fairlead.gate", name=result.suite)
    kind = {"FAIL": "failure", "INCOMPLETE": "error", "INCOMPARABLE": "error", "INCONCLUSIVE": "skipped"}.get(result.answer)
    if kind is not None:
        Xml.SubElement(case, kind, message=f"{result.answer}: {'; '.join(result.reasons)}")


def _count(suite: Xml.Element) -> None:
    suite.set("tests", str(len(suite)))
    for kind, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(attribute, str(len(suite.findall(f"testcase/{kind}"))))
