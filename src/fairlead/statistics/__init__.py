"""Estimates, tests and plans in plain Python: every rate has its n, its interval and its method."""

from fairlead.statistics.claims import judge
from fairlead.statistics.clusters import bounds, effective_n, estimate
from fairlead.statistics.errors import InvalidCounts
from fairlead.statistics.intervals import clopper_pearson, jeffreys, wilson
from fairlead.statistics.model import Answer, Claim, Direction, Estimate, Interval, Judgement, Sample
from fairlead.statistics.paired import Difference, mcnemar_exact, newcombe, newcombe_paired
from fairlead.statistics.planner import max_failures, zero_failure_cases
from fairlead.statistics.special import beta_cdf, beta_quantile, normal_quantile, t_quantile

__all__ = [
    "Answer",
    "Claim",
    "Difference",
    "Direction",
    "Estimate",
    "Interval",
    "InvalidCounts",
    "Judgement",
    "Sample",
    "beta_cdf",
    "beta_quantile",
    "bounds",
    "clopper_pearson",
    "effective_n",
    "estimate",
    "jeffreys",
    "judge",
    "max_failures",
    "mcnemar_exact",
    "newcombe",
    "newcombe_paired",
    "normal_quantile",
    "t_quantile",
    "wilson",
    "zero_failure_cases",
]
