"""Figure, Target, Kpi: a number that knows the records behind it, and whether they still carry it."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from fairlead.core import digest

Tier = Literal["minimal", "limited", "high"]
Unit = Literal["share", "per_thousand", "seconds", "milliseconds", "count"]

Standing = Literal["supported", "unsigned", "missing", "contradicted", "expired", "no_data"]
"""``supported``: every record behind the figure is there, is what was signed, and has not expired. ``unsigned``: nobody vouches for a
record. ``missing``: a record that was signed is gone. ``contradicted``: a record is no longer what was signed. ``expired``: it is too old.
``no_data``: nothing was recorded yet. Only the first is shown as a number; law 8."""

Verdict = Literal["met", "missed", "undecided", "unsupported", "no_target"]
"""What the interval of a KPI says of its target: wholly inside, wholly outside, or astride. A point estimate decides nothing."""

LISTED = 20
"""A figure names so many of its records; of the rest it gives the number and one digest over all of them."""


class Period(NamedTuple):
    """From a time up to and without another, microseconds UTC."""

    since_us: int
    until_us: int

    def before(self) -> "Period":
        """Return the period of the same length that came before."""
        return Period(2 * self.since_us - self.until_us, self.since_us)


class Ref(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A record that a figure rests on."""

    kind: str
    id: str
    digest: str = ""
    """Of its canonical bytes, when the figure was made."""


class Basis(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """All records that a figure rests on."""

    records: tuple[Ref, ...] = ()
    """At most :data:`LISTED` of them."""
    total: int = 0
    digest: str = ""
    """Over all of them, listed or not: change one and it changes."""

    @classmethod
    def of(cls, records: Sequence[Ref]) -> "Basis":
        """Return the basis that these records are."""
        return cls(records=tuple(records[:LISTED]), total=len(records), digest=digest(records) if records else "")


class Figure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One number of a card, report or KPI."""

    id: str
    label: str
    unit: Unit
    standing: Standing
    why: str = ""
    """Why it is not supported, naming the record."""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    """None with a value: the data give no upper end."""
    n: int = 0
    k: int | None = None
    method: str = ""
    confidence: float = 0.95
    basis: Basis = Basis()
    expires_us: int = 0
    """After this time it is not supported any more; 0 means never."""

    @property
    def supported(self) -> bool:
        """Whether it may be shown as a number."""
        return self.standing == "supported" and self.value is not None


class Target(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a KPI should be, for one tier."""

    at_most: float
    """In the unit of its figure."""
    text: str
    """As people say it."""


class Kpi(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the 23 KPIs, computed live."""

    number: int
    name: str
    definition: str
    cadence: Literal["weekly", "monthly"]
    figure: Figure
    target: Target | None
    verdict: Verdict


def unsupported(identifier: str, label: str, unit: Unit, *, standing: Standing, why: str) -> Figure:
    """Return a figure that nothing carries: it has no number, so none can be shown."""
    return Figure(id=identifier, label=label, unit=unit, standing=standing, why=why)


def judge_target(figure: Figure, target: Target | None) -> Verdict:
    """Say what a figure's interval means for its target."""
    if not figure.supported:
        return "unsupported"
    if target is None:
        return "no_target"
    if figure.high is not None and figure.high <= target.at_most:
        return "met"
    if figure.low is not None and figure.low > target.at_most:
        return "missed"
    return "undecided"
