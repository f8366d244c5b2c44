"""Grounding: does an answer say what its sources say? Claim by claim, without a network; pure, numpy alone."""

from fairlead.detectors.grounding.check import DOUBTFUL, Grounding
from fairlead.detectors.grounding.model import DOUBTS, Claim, Doubt, Evidence, Mark, Report, Scorer, Source, Verdict

__all__ = ["DOUBTFUL", "DOUBTS", "Claim", "Doubt", "Evidence", "Grounding", "Mark", "Report", "Scorer", "Source", "Verdict"]
