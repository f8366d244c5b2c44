"""Replay: the exact inputs of a recorded run once more, and what came out differently."""

from collections.abc import Sequence
from typing import NamedTuple

from fairlead.core import digest
from fairlead.evals import Case, Outcome, Run, RunInvalid


class Divergence(NamedTuple):
    """A case that came out differently on the same input."""

    case: str
    was: Outcome
    now: Outcome


def recorded_inputs(run: Run, cases: Sequence[Case]) -> tuple[Case, ...]:
    """Return the very cases that a run was made of, in its order.

    Args:
        run: The record; it holds digests and no texts.
        cases: Where the texts are looked for.

    Raises:
        RunInvalid: A case is not there, or is not byte for byte what was run.
    """
    known = {case.id: case for case in cases}
    changed = [result.case for result in run.results if result.case not in known or digest(known[result.case]) != result.case_digest]
    if changed:
        raise RunInvalid(
            f"{len(changed)} case(s) are not what was run", where=", ".join((run.id, *changed[:5])), mend="give the case files of that time"
        )
    return tuple(known[result.case] for result in run.results)


def divergences(before: Run, after: Run) -> tuple[Divergence, ...]:
    """Return the cases that came out differently in a replay.

    Args:
        before: The recorded run.
        after: Its replay.

    Raises:
        RunInvalid: The second is no replay of the first: its inputs differ.
    """
    inputs = [[(result.case, result.case_digest) for result in run.results] for run in (before, after)]
    if inputs[0] != inputs[1]:
        raise RunInvalid("the inputs differ", where=f"{before.id} and {after.id}", mend="replay with recorded_inputs()")
    pairs = zip(before.results, after.results, strict=True)
    return tuple(Divergence(old.case, old.outcome, new.outcome) for old, new in pairs if old.outcome != new.outcome)
