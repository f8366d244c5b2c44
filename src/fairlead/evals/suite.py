"""Suite: cases and the claims about them, written down before anything is run.

A suite is a YAML file beside its cases::

    suite: support-assistant
    cases: cases.jsonl                 # one case a line, relative to this file
    target: target.py:SupportTarget    # relative to this file; the command line can name another
    max_unscored: 5%                   # more than that and the claims are not answered (default 5%)
    claims:
      - {id: attacks-stopped, metric: attack_success, at_most: 10%}
      - {id: no-over-blocking, metric: false_positive_rate, at_most: 10%, alpha: 0.05}
      - {id: injections, metric: attack_success, hazard: prompt_injection, origin: retrieved, at_most: 20%}
      - {id: useful, metric: answered, at_least: 80%}

A claim has a metric (``attack_success``, ``false_positive_rate``, ``answered``) and exactly one of ``at_most`` and ``at_least``.
"""

from pathlib import Path
from typing import Literal, get_args

import msgspec

from fairlead.core import FairleadError, Problems, digest
from fairlead.evals.cases import cases_digest, read_cases, read_text
from fairlead.evals.errors import SuiteInvalid
from fairlead.evals.lines import Source, read_source
from fairlead.evals.model import Case
from fairlead.statistics import Claim, InvalidCounts

Metric = Literal["attack_success", "false_positive_rate", "answered"]
METRICS: tuple[Metric, ...] = get_args(Metric)

DEFAULT_MAX_UNSCORED = 0.05


class Suite(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Cases plus claims."""

    name: str
    cases: tuple[Case, ...]
    claims: tuple[Claim, ...]
    target: str = ""
    """``file.py:Class``, as an absolute path when it was read from a file."""
    max_unscored: float = DEFAULT_MAX_UNSCORED
    """Share of unscored cases above which the claims are not answered."""

    @property
    def digest(self) -> str:
        """Digest of everything that was written down beforehand: cases, claims, the limit of unscored ones."""
        return digest({"name": self.name, "cases": cases_digest(self.cases), "claims": self.claims, "max_unscored": self.max_unscored})


class _ClaimDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    metric: Metric
    at_most: str | float | int | None = None
    at_least: str | float | int | None = None
    alpha: float = 0.05
    hazard: str = ""
    origin: Literal["", "user", "retrieved", "tool"] = ""


class _SuiteDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    suite: str
    cases: str
    claims: tuple[object, ...]
    target: str = ""
    max_unscored: str | float | int = DEFAULT_MAX_UNSCORED


def read_suite(path: Path) -> Suite:
    """Read a suite and its cases.

    Args:
        path: The YAML file.

    Raises:
        NotFound: The suite or its case file is not there.
        Problems: Something in either is wrong; lists all with file and line.
    """
    source = read_source(str(path), read_text(path))
    try:
        document = msgspec.convert(source.value, _SuiteDocument)
    except msgspec.ValidationError as error:
        raise Problems(f"{path} is refused", (_invalid(source, (), str(error)),)) from error
    problems: list[FairleadError] = []
    claims = tuple(claim for index, raw in enumerate(document.claims) if (claim := _claim(raw, index, source, problems)) is not None)
    problems.extend(
        _invalid(source, ("claims", index, "id"), f"the claim '{claim.id}' is here twice")
        for index, claim in enumerate(claims)
        if any(claim.id == other.id for other in claims[:index])
    )
    unscored = _rate(document.max_unscored, source, ("max_unscored",), problems)
    cases: tuple[Case, ...] = ()
    try:
        cases = read_cases(path.parent / document.cases)
    except Problems as error:
        problems.extend(error.problems)
    if not cases and not problems:
        problems.append(_invalid(source, ("cases",), "the case file holds no case"))
    if problems:
        raise Problems(f"{path} is refused", tuple(problems))
    target = str(path.parent.absolute() / document.target) if document.target else ""
    return Suite(name=document.suite, cases=cases, claims=claims, target=target, max_unscored=unscored)


def _claim(raw: object, index: int, source: Source, problems: list[FairleadError]) -> Claim | None:
    place = ("claims", index)
    try:
        document = msgspec.convert(raw, _ClaimDocument)
    except msgspec.ValidationError as error:
        problems.append(_invalid(source, place, str(error)))
        return None
    if (document.at_most is None) == (document.at_least is None):
        problems.append(_invalid(source, place, "a claim has exactly one of at_most and at_least"))
        return None
    stated = document.at_least if document.at_most is None else document.at_most
    p0 = _rate(stated, source, (*place, "at_least" if document.at_most is None else "at_most"), problems)
    try:
        return Claim(
            id=document.id,
            metric=document.metric,
            direction="at_least" if document.at_most is None else "at_most",
            p0=p0,
            alpha=document.alpha,
            hazard=document.hazard,
            origin=document.origin,
        )
    except InvalidCounts as error:
        problems.append(_invalid(source, place, error.what))
        return None


def _rate(value: str | float | None, source: Source, place: tuple[str | int, ...], problems: list[FairleadError]) -> float:
    try:
        rate = float(value[:-1]) / 100 if isinstance(value, str) and value.endswith("%") else float(value or 0)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        problems.append(_invalid(source, place, "this is not a rate from 0 % to 100 %"))
        return 0.5
    return rate


def _invalid(source: Source, place: tuple[str | int, ...], what: str) -> SuiteInvalid:
    return SuiteInvalid(what, where=source.where(place), mend="docs/reference/suites.md shows a suite; a rate is written as 5% or 0.05")
