"""Sample, Interval, Estimate, Claim: a rate never travels without its n, its interval and its method."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from fairlead.statistics.errors import InvalidCounts

Sides = Literal["two", "lower", "upper"]
Method = Literal["wilson", "clopper_pearson", "jeffreys", "wilson_clustered", "clopper_pearson_clustered"]
Direction = Literal["at_most", "at_least"]
Answer = Literal["PASS", "FAIL", "INCONCLUSIVE", "ERROR"]
"""PASS: the bound is on the right side. FAIL: the opposite bound excludes the claim. INCONCLUSIVE: the data can't tell.
ERROR: the data are not the whole data."""


class Sample(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Counted outcomes, kept by cluster, because outcomes of one cluster are not independent."""

    clusters: tuple[tuple[int, int], ...]
    """For each cluster: how many outcomes have the property, and how many outcomes there are."""

    def __post_init__(self) -> None:
        for k, n in self.clusters:
            check_counts(k, n)

    @property
    def k(self) -> int:
        """Outcomes that have the property."""
        return sum(k for k, _ in self.clusters)

    @property
    def n(self) -> int:
        """All outcomes."""
        return sum(n for _, n in self.clusters)

    @property
    def independent(self) -> bool:
        """Whether every outcome is a cluster of its own."""
        return all(n == 1 for _, n in self.clusters)

    @classmethod
    def of(cls, outcomes: Iterable[tuple[str, bool]]) -> "Sample":
        """Count outcomes that name their cluster.

        Args:
            outcomes: Pairs of cluster name and whether the outcome has the property.
        """
        counts: dict[str, tuple[int, int]] = {}
        for cluster, has in outcomes:
            k, n = counts.get(cluster, (0, 0))
            counts[cluster] = (k + int(has), n + 1)
        return cls(clusters=tuple(counts[name] for name in sorted(counts)))

    @classmethod
    def independent_counts(cls, k: int, n: int) -> "Sample":
        """Return a sample of ``n`` independent outcomes of which ``k`` have the property."""
        check_counts(k, n)
        return cls(clusters=((1, 1),) * k + ((0, 1),) * (n - k))


class Interval(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a rate can be, at a level of confidence."""

    low: float
    high: float
    confidence: float
    """Such as 0.95."""
    method: Method
    sides: Sides = "two"
    """``upper`` and ``lower`` spend the whole error on that side; the other end is then 0 or 1."""


class Estimate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rate, where it can be, and what it was counted from."""

    value: float
    """``k / n``."""
    low: float
    high: float
    n: int
    k: int
    method: Method
    confidence: float
    clusters: int
    """Independent groups that the outcomes fall into."""
    n_eff: float
    """How many independent outcomes would say as much."""

    def text(self) -> str:
        """Return the one way in which a rate is written for people: value, interval, counts, method."""
        level = f"{self.confidence:.0%}"
        grouped = f", {self.clusters} clusters" if self.clusters != self.n else ""
        return f"{self.value:.1%} [{self.low:.1%}, {self.high:.1%}] ({self.k}/{self.n}{grouped}, {level} {self.method})"


class Claim(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A statement about a rate that is written down before the data are seen."""

    id: str
    metric: str
    """Such as ``attack_success``, ``false_positive_rate``, ``answered``."""
    direction: Direction
    p0: float
    """The rate that is claimed, strictly between 0 and 1."""
    alpha: float = 0.05
    """Probability, at most, of answering PASS when the rate is exactly p0."""
    hazard: str = ""
    """Only cases of this hazard; empty for all."""
    origin: str = ""
    """Only cases that come in this way; empty for all."""
    method: Literal["clopper_pearson"] = "clopper_pearson"
    """Exact one-sided bound; on the effective n when outcomes are clustered."""

    def __post_init__(self) -> None:
        check_level(self.alpha, "alpha")
        if not 0 < self.p0 < 1:
            raise InvalidCounts(f"the claimed rate {self.p0} is not strictly between 0 and 1", mend="claim a rate such as 0.05")


class Judgement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the data say of a Claim."""

    claim: Claim
    answer: Answer
    reason: str
    """Why, in one sentence with the numbers."""
    estimate: Estimate | None
    """None when nothing was counted."""
    bound: float | None
    """The one-sided bound that PASS needs on the right side of p0."""


def check_counts(k: int, n: int) -> None:
    """Refuse counts that are no counts.

    Raises:
        InvalidCounts: Not ``0 <= k <= n`` with ``n >= 1``.
    """
    if n < 1 or not 0 <= k <= n:
        raise InvalidCounts(f"{k} of {n} is not a count of outcomes", mend="give 0 <= k <= n with at least one outcome")


def check_level(level: float, name: str) -> None:
    """Refuse a confidence or error level outside (0, 1).

    Raises:
        InvalidCounts: The level is not strictly between 0 and 1.
    """
    if not 0 < level < 1:
        raise InvalidCounts(f"{name} {level} is not strictly between 0 and 1", mend="give a level such as 0.95 or 0.05")
