"""A rule on ``ungrounded``: the guard gives the answer's sources to the detector that compares."""

from collections.abc import Sequence

from fairlead.core import Decision, Origin, Segment
from fairlead.detectors import Registry, Text
from fairlead.detectors.families.grounding import GroundingDetector
from fairlead.guard import DetectJob, ExchangeContext, StreamGuard, drive, guard_output, run_detectors, sources_of
from fairlead.policy import compile_release, load_policy
from fairlead.testing.guards import ScriptedPorts

POLICY = """
fairlead: 1
system: test
owner: tests
tier: high
upstream: {default: {provider: openai}}
rules:
  - {id: grounded, at: output, hazard: ungrounded, threshold: 0.6, do: flag}
"""
SOURCE = "The council approved the budget of 1,200 euros on 5 March 2024. It did not raise taxes."
WRONG = "The council approved the budget of 1,200 euros [4]."


def _context(*sources: str) -> ExchangeContext:
    release = compile_release(load_policy("p", POLICY), Registry([GroundingDetector()]))
    segments = [Segment(path=f"/messages/{place}", origin="retrieved", stage="input", text=text) for place, text in enumerate(sources)]
    asked = Segment(path="/messages/9", origin="user", stage="input", text="What did the council do?")
    return ExchangeContext(release=release, exchange="x_1", tenant="t", sources=sources_of([*segments, asked]))


def _whole(context: ExchangeContext, answer: str) -> Decision:
    segment = Segment(path="/choices/0/message/content", origin="model", stage="output", text=answer)
    return drive(guard_output(context, (segment,)), ScriptedPorts().ports).decision


def test_a_claim_that_no_source_bears_out_is_a_finding_with_its_span() -> None:
    decision = _whole(_context(SOURCE), f"Hello. {WRONG}")
    (finding,) = decision.findings
    assert (decision.action, decision.rule) == ("flag", "grounded")
    assert (finding.hazard, finding.entity, finding.span) == ("ungrounded", "unknown_citation", (7, 7 + len(WRONG)))
    assert [entry.status for entry in decision.coverage] == ["ran"]


def test_an_answer_without_sources_was_not_found_to_be_grounded() -> None:
    decision = _whole(_context(), WRONG)
    (entry,) = decision.coverage
    assert (entry.status, entry.detectors[0].partition("@")[0]) == ("skipped", "grounding")
    assert "not applicable" in entry.reason
    assert decision.action == "allow"


def test_a_streamed_answer_is_compared_at_its_end_however_it_is_cut() -> None:
    for size in (1, 7, len(WRONG)):
        guard = StreamGuard(_context(SOURCE))
        for place in range(0, len(WRONG), size):
            guard.feed(0, "content", WRONG[place : place + size])
        guard.close(0)
        decision = drive(guard.finish(), ScriptedPorts().ports).decision
        assert [(finding.span, finding.late) for finding in decision.findings] == [((0, len(WRONG)), True)]


class Broken:
    """Compares and fails."""

    id = "broken@1"
    runs = "whole"
    hazards = ("ungrounded",)

    def detect(self, text: Text, origin: Origin) -> Sequence[object]:
        raise AssertionError((text, origin))

    def detect_with(self, text: Text, origin: Origin, sources: Sequence[str]) -> Sequence[object]:
        raise RuntimeError((text, origin, sources))


def test_a_comparison_that_fails_is_no_pass() -> None:
    answer = Segment(path="/a", origin="model", stage="output", text="It is so.")
    source = Segment(path="/s", origin="tool", stage="tool_result", text="It is so.")
    detected = run_detectors(DetectJob((answer,), (Broken(),), sources=(source,)))  # type: ignore[arg-type]  # it is no Detector, as it should be
    assert detected.failed
