"""Run: one execution of cases against a target, as a frozen record without a word of content.

A run names everything that its numbers depend on (:class:`Key`), so that two runs can be compared only where they may be (law 5).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import msgspec

from fairlead import __version__
from fairlead.core import Clock, canonical_bytes, digest, new_id
from fairlead.evals.cases import cases_digest, duplicate_ids
from fairlead.evals.corpora import expired_cases
from fairlead.evals.errors import RunInvalid
from fairlead.evals.model import Case, CaseOrigin, Kind, Observation, Target
from fairlead.evals.scoring import Outcome, Score, score, scorer_id
from fairlead.evals.suite import Suite

Role = Literal["suite", "regression"]
"""``regression`` cases come from incidents: chosen because they failed once, so no rate is estimated from them."""


class Key(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that the numbers of a run depend on."""

    cases: str
    """Digest of the suite's cases."""
    policy: str
    """Id of the Release that guarded; empty for an unguarded run."""
    model: str
    """Model that the target asked."""
    target: str
    """Name of the target, and the digest of its code where it has one."""
    scorer: str
    """Version of the scorer and digest of its data."""
    version: str
    """Version of Fairlead."""


class CaseResult(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What became of one case."""

    case: str
    case_digest: str
    kind: Kind
    hazard: str
    cluster: str
    origin: CaseOrigin
    outcome: Outcome
    reason: str
    """Names the condition; no content."""
    family: str = ""
    role: Role = "suite"
    blocked: bool = False
    delivered: bool = True
    rules: tuple[str, ...] = ()
    """Rules that acted."""
    exchanges: tuple[str, ...] = ()
    approvals: tuple[str, ...] = ()
    took_us: int = 0


class Run(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One execution of a suite."""

    id: str
    suite: str
    suite_digest: str
    """Digest of cases and claims, as they were when the run began."""
    key: Key
    results: tuple[CaseResult, ...]
    """In the order of the cases, suite first."""
    started_us: int
    ended_us: int
    planned: int
    """How many cases were to be run."""

    @property
    def guarded(self) -> bool:
        """Whether a policy stood between the target and its model."""
        return self.key.policy != ""

    @property
    def digest(self) -> str:
        """Digest of the canonical bytes, which is what gets signed."""
        return digest(self)

    def canonical(self) -> bytes:
        """Return the bytes that a run file holds."""
        return canonical_bytes(self)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How a suite is run."""

    model: str = ""
    """What the target is told to ask."""
    target: str = ""
    """Identity of the target's code, such as the digest of its files; its name is added."""
    guarded: bool = False
    policy: str = ""
    """Id of the Release that guards; learned from the target's Exchanges when empty."""
    workers: int = 1
    """Cases that run at the same time; more than one needs a target that may be called from several threads."""


Progress = Callable[[CaseResult], None]


def run_suite(
    suite: Suite,
    target: Target,
    *,
    plan: Plan,
    clock: Clock,
    regressions: Sequence[Case] = (),
    progress: Progress | None = None,
) -> Run:
    """Run every case of a suite, and the regression cases after them.

    A target that raises gives an unscored case, never a stopped run.

    Args:
        suite: Cases and claims.
        target: Who is asked.
        plan: What guards, which model, how many at a time.
        clock: For the times of the record.
        regressions: Cases made from incidents.
        progress: Called once for each case, in the order of the cases.

    Raises:
        RunInvalid: Two cases have the same id, or one has expired, or the policy changed while the run was going on, or no Release is
            known of a guarded run.
    """
    twice = duplicate_ids(suite.cases, regressions)
    if twice:
        raise RunInvalid(f"{len(twice)} case id(s) are there twice", where=twice[0], mend="give each case an id of its own")
    expired = expired_cases([*suite.cases, *regressions], clock=clock)
    if expired:
        raise RunInvalid(f"{len(expired)} case(s) have expired", where=expired[0], mend="remove them, or have them reviewed again")
    started = clock.now_us()
    work: list[tuple[Case, Role]] = [(case, "suite") for case in suite.cases] + [(case, "regression") for case in regressions]
    results: list[CaseResult] = []
    releases: set[str] = set()
    for result, release in _each(work, target, plan, clock):
        results.append(result)
        releases.add(release)
        if progress is not None:
            progress(result)
    key = Key(
        cases=cases_digest(suite.cases),
        policy=_policy(plan, releases - {""}),
        model=plan.model,
        target=f"{target.name} {plan.target}".strip(),
        scorer=scorer_id(),
        version=__version__,
    )
    return Run(
        id=new_id("run"),
        suite=suite.name,
        suite_digest=suite.digest,
        key=key,
        results=tuple(results),
        started_us=started,
        ended_us=clock.now_us(),
        planned=len(work),
    )


def with_rules(run: Run, rules: Mapping[str, Sequence[str]]) -> Run:
    """Return the run with the rules that acted on each case, looked up by the ids of its Exchanges.

    Targets know the Exchanges; which rules acted is in the Decisions, so that whoever can read those completes the run before it is signed.

    Args:
        run: As it was measured.
        rules: Rule ids by Exchange id.
    """
    results = []
    for result in run.results:
        found = [rule for exchange in result.exchanges for rule in rules.get(exchange, ())]
        results.append(msgspec.structs.replace(result, rules=tuple(dict.fromkeys([*result.rules, *found]))))
    return msgspec.structs.replace(run, results=tuple(results))


def _each(work: list[tuple[Case, Role]], target: Target, plan: Plan, clock: Clock) -> Iterator[tuple[CaseResult, str]]:
    def one(item: tuple[Case, Role]) -> tuple[CaseResult, str]:
        return _run_case(item[0], item[1], target, clock)

    if plan.workers <= 1:
        yield from map(one, work)
        return
    with ThreadPoolExecutor(max_workers=plan.workers, thread_name_prefix="fairlead-eval") as pool:
        yield from pool.map(one, work)


def _run_case(case: Case, role: Role, target: Target, clock: Clock) -> tuple[CaseResult, str]:
    began = clock.monotonic_us()
    try:
        observation = target.run(case)
        scored = score(case, observation)
    except Exception as error:  # noqa: BLE001 - whatever a target raises, the other cases still run and this one counts as unscored
        observation = Observation(reply="", blocked=False, delivered=False, error="raised")
        scored = Score(outcome="unscored", reason=f"the target raised {type(error).__name__}")
    result = CaseResult(
        case=case.id,
        case_digest=digest(case),
        kind=case.kind,
        hazard=case.hazard,
        cluster=case.cluster,
        origin=case.origin,
        outcome=scored.outcome,
        reason=scored.reason,
        family=case.family,
        role=role,
        blocked=observation.blocked,
        delivered=observation.delivered,
        rules=observation.rules,
        exchanges=observation.exchanges,
        approvals=observation.approvals,
        took_us=clock.monotonic_us() - began,
    )
    return result, observation.release


def _policy(plan: Plan, seen: set[str]) -> str:
    if not plan.guarded:
        if seen:
            raise RunInvalid("a run that was to be unguarded was guarded", mend="give the target the address of the model itself")
        return ""
    named = seen | ({plan.policy} if plan.policy else set())
    if len(named) > 1:
        raise RunInvalid(
            f"{len(named)} releases decided during one run", mend="don't change the policy during a run, and name the one in force"
        )
    if not named:
        raise RunInvalid("no release is known of a guarded run", mend="name the release, or use a target that reports x-fairlead-release")
    return next(iter(named))
