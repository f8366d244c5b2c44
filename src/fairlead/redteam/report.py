"""What an attack set showed: how often attacks succeeded, without and with the guard, and whether they arrived at all."""

import msgspec

from fairlead.evals import (
    CaseResult,
    Comparison,
    MetricEstimate,
    Run,
    RunInvalid,
    compare,
    estimates,
    estimates_by,
    suite_results,
)
from fairlead.redteam.errors import NotDelivered


class Delivery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Proof that the attacks of a run arrived: each is accounted for by name."""

    attacks: int
    delivered: int
    undelivered: tuple[str, ...]
    """Ids of attacks whose text reached neither model nor guard; they prove nothing."""

    @property
    def complete(self) -> bool:
        """Whether there were attacks and all of them arrived."""
        return self.attacks > 0 and not self.undelivered


class AttackReport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One or two runs of an attack set."""

    suite: str
    runs: tuple[str, ...]
    """Ids, unguarded first."""
    unguarded: tuple[MetricEstimate, ...]
    """Attack success over all, by hazard, origin and family; empty when not run."""
    guarded: tuple[MetricEstimate, ...]
    unguarded_delivery: Delivery | None
    guarded_delivery: Delivery | None
    comparison: Comparison | None
    """What the guard changed, attack by attack; None unless both were run."""

    @property
    def valid(self) -> bool:
        """Whether every attack of every run arrived; an invalid report is never a pass."""
        proofs = [proof for proof in (self.unguarded_delivery, self.guarded_delivery) if proof is not None]
        return bool(proofs) and all(proof.complete for proof in proofs)


def delivery(run: Run) -> Delivery:
    """Return which attacks of a run arrived.

    An attack that succeeded has arrived, whatever the target says.

    Args:
        run: Of an attack set.
    """
    attacks = [result for result in suite_results(run) if result.kind == "unsafe"]
    lost = tuple(result.case for result in attacks if not result.delivered and result.outcome != "unsafe")
    return Delivery(attacks=len(attacks), delivered=len(attacks) - len(lost), undelivered=lost)


def require_delivery(run: Run) -> Delivery:
    """Return the proof of delivery, or refuse the run.

    Raises:
        NotDelivered: Some attack never arrived, or there was none.
    """
    proof = delivery(run)
    if not proof.complete:
        raise NotDelivered(
            f"{len(proof.undelivered)} of {proof.attacks} attacks never reached the model or the guard",
            where=", ".join((run.id, *proof.undelivered[:5])),
            mend="check how the target places the text of these cases, and run again",
        )
    return proof


def attack_estimates(run: Run) -> tuple[MetricEstimate, ...]:
    """Return attack success over all, by hazard, by origin and by family, with intervals that count clusters.

    Args:
        run: Of an attack set.
    """
    rows = tuple(row for row in estimates(run) if row.metric == "attack_success")
    return rows + estimates_by(run, "attack_success", "family", _family)


def report(*, unguarded: Run | None = None, guarded: Run | None = None) -> AttackReport:
    """Put the runs of one attack set side by side.

    Args:
        unguarded: Of the target without the guard.
        guarded: Of the target behind the guard.

    Raises:
        RunInvalid: No run was given, or one is not what it is given as.
        Incomparable: The two differ in more than the policy.
    """
    if unguarded is None and guarded is None:
        raise RunInvalid("there is no run to report", mend="run the attack set first")
    if (unguarded is not None and unguarded.guarded) or (guarded is not None and not guarded.guarded):
        raise RunInvalid("a run is not what it was given as: guarded and unguarded are mixed up", mend="swap them")
    runs = [run for run in (unguarded, guarded) if run is not None]
    return AttackReport(
        suite=runs[0].suite,
        runs=tuple(run.id for run in runs),
        unguarded=() if unguarded is None else attack_estimates(unguarded),
        guarded=() if guarded is None else attack_estimates(guarded),
        unguarded_delivery=None if unguarded is None else delivery(unguarded),
        guarded_delivery=None if guarded is None else delivery(guarded),
        comparison=None if unguarded is None or guarded is None else compare(unguarded, guarded, varied="policy"),
    )


def _family(result: CaseResult) -> str:
    return result.family or "none"
