"""A worker's side of trials: the shadow decides beside the live policy, the canary instead of it, and goes back when it must."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from fairlead.core import Clock, Decision, FairleadError, InvalidInput, canonical_bytes, new_id
from fairlead.guard import ExchangeContext, Flow, Pace, Spending, StageOutcome, drive
from fairlead.journal import AuditEntry, Journal, Record
from fairlead.policy import Release
from fairlead.releases import LEFT_OUT, ShadowRecord, Tally, in_shadow
from fairlead.telemetry import Telemetry
from fairlead.wiring.policy_files import PolicyTexts
from fairlead.wiring.serving import Serving
from fairlead.wiring.trials import Kind, Trial, change_trials, read_trials, sampled, stamp_of

BACKLOG = 256
"""Exchanges that may wait for the shadow; what comes beyond is dropped and counted, and no answer waits for it."""
ACTOR = "gateway"
Make = Callable[[ExchangeContext], Flow[list[StageOutcome]]]
"""Makes one question to the guard, for whoever's Release stands in the context."""


class Serves(Protocol):
    """What builds a candidate: the data plane."""

    def compile(self, texts: PolicyTexts) -> Release:
        """Compile a policy for this process."""
        ...

    def serve(self, release: Release) -> Serving:
        """Return what enforces it."""
        ...

    def serve_beside(self, release: Release) -> Serving:
        """Return what decides by it without a side effect."""
        ...


class _Candidate:
    """A trial that runs here."""

    def __init__(self, trial: Trial, serving: Serving) -> None:
        self.trial = trial
        self.serving = serving
        self.tally = Tally(trial.roll_back)


class _Step(NamedTuple):
    context: ExchangeContext
    make: Make


class Beside:
    """What one Exchange put to the guard, to be put to the candidate too when the answer has left."""

    def __init__(self, trial: Trial, serving: Serving) -> None:
        self.trial = trial
        self.serving = serving
        self._steps: list[_Step] = []

    def add(self, context: ExchangeContext, make: Make) -> None:
        """Remember a question, and what was known of the Exchange when it was put."""
        self._steps.append(_Step(context, make))

    def decide(self, live: str, at_us: int) -> ShadowRecord | None:
        """Return what the candidate says of the Exchange; None when nothing was put to the guard."""
        if not self._steps:
            return None
        context = self._steps[-1].context
        record = ShadowRecord(
            id=context.exchange, tenant=context.tenant, at_us=at_us, trial=self.trial.id, live=live, release=self.serving.release.id
        )
        if context.approvals or context.delegation:
            return msgspec.structs.replace(record, problem=LEFT_OUT)
        try:
            return msgspec.structs.replace(record, decisions=tuple(in_shadow(decision) for decision in self._decisions()))
        except Exception as error:  # noqa: BLE001 - whatever a candidate does, the live answer stands; what it was is recorded
            return msgspec.structs.replace(record, problem=error.code if isinstance(error, FairleadError) else type(error).__name__)

    def _decisions(self) -> list[Decision]:
        found: list[Decision] = []
        # The candidate has the live policy's overlays: those that were chosen for the request are for it too.
        serving = self.serving.variants.get(self._steps[0].context.release.overlays, self.serving)
        for context, make in self._steps:
            own = msgspec.structs.replace(context, release=serving.release, spending=Spending(), pace=Pace())
            outcomes = drive(make(own), serving.ports)
            found += [outcome.decision for outcome in outcomes]
            if any(outcome.stopped and outcome.decision.stage != "tool_call" for outcome in outcomes):
                break
        return found


class Trying:
    """Runs the trials that the file names.

    Args:
        path: ``<data>/trials.json``.
        serves: Builds candidates.
        journal: Takes what the shadow says, and why a canary went back.
        clock: For the times of records.
        telemetry: Counts what became of shadowed Exchanges.
    """

    def __init__(self, path: Path, serves: Serves, journal: Journal, clock: Clock, telemetry: Telemetry) -> None:
        self._path = path
        self._serves = serves
        self._journal = journal
        self._clock = clock
        self._telemetry = telemetry
        self._seen = (0, 0, 0)
        self._running: dict[Kind, _Candidate] = {}
        self._ended: set[str] = set()
        self._thread: ThreadPoolExecutor | None = None
        self._waiting = threading.BoundedSemaphore(BACKLOG)
        self.problem = ""
        """Code of why a trial that was started does not run here, or the file can't be read; empty otherwise."""

    @property
    def canary(self) -> str:
        """Release that decides for its share of callers; empty when there is none."""
        return self._release("canary")

    @property
    def shadow(self) -> str:
        """Release that is tried beside the live one; empty when there is none."""
        return self._release("shadow")

    def changed(self) -> bool:
        """Tell whether the file changed since it was last looked at."""
        return stamp_of(self._path) != self._seen

    def look(self) -> None:
        """Take over what the file says. One that can't be read, or is gone, leaves what runs running."""
        self._seen = stamp_of(self._path)
        if self._seen == (0, 0, 0) and self._running:
            self.problem = InvalidInput.code  # nobody ends a trial by deleting the file
            return
        try:
            trials = read_trials(self._path)
        except InvalidInput as error:
            self.problem = error.code
            return
        self.problem = ""
        wanted = {trial.kind: trial for trial in trials if trial.state == "running" and trial.id not in self._ended}
        running = {kind: self._candidate(trial) for kind, trial in wanted.items()}
        self._running = {kind: candidate for kind, candidate in running.items() if candidate is not None}

    def canary_for(self, tenant: str, key: str) -> Serving | None:
        """Return what decides for a caller who is drawn for the canary; None for everybody else."""
        candidate = self._running.get("canary")
        return candidate.serving if candidate is not None and candidate.trial.takes(tenant, key) else None

    def beside(self, serving: Serving, exchange: str) -> Beside | None:
        """Return what collects an Exchange for the shadow; None when it is not drawn, or another policy decides than at the start."""
        candidate = self._running.get("shadow")
        if candidate is None or serving.release.id != candidate.trial.base or not sampled(exchange, candidate.trial.share):
            return None
        return Beside(candidate.trial, candidate.serving)

    def counts(self, serving: Serving) -> bool:
        """Tell whether the canary decides by this."""
        candidate = self._running.get("canary")
        return candidate is not None and candidate.serving.release.id == serving.release.id

    def decide(self, beside: Beside, live: str) -> None:
        """Have an Exchange decided by the shadow, in a thread of its own; never raises and never waits."""
        if not self._waiting.acquire(blocking=False):
            self._telemetry.observe_shadow("dropped")
            return
        self._later(self._shadow, beside, live)

    def count(self, serving: Serving, decisions: Sequence[Decision], *, failed: bool) -> None:
        """Count an Exchange of the canary; it goes back at once, for this worker's next request, when its condition holds."""
        candidate = self._running.get("canary")
        if candidate is None or candidate.serving.release.id != serving.release.id:
            return
        why = candidate.tally.count(decisions, failed=failed)
        if why:
            self._ended.add(candidate.trial.id)
            self._running = {kind: one for kind, one in self._running.items() if kind != "canary"}
            self._later(self._roll_back, candidate.trial, why)

    def close(self) -> None:
        """Finish what waits for the shadow."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.shutdown()

    def _release(self, kind: Kind) -> str:
        candidate = self._running.get(kind)
        return candidate.trial.release if candidate is not None else ""

    def _candidate(self, trial: Trial) -> _Candidate | None:
        running = self._running.get(trial.kind)
        if running is not None and running.trial.id == trial.id:
            return running
        try:
            release = self._serves.compile(trial.texts)
            if release.id == trial.release:
                return _Candidate(trial, self._serves.serve(release) if trial.kind == "canary" else self._serves.serve_beside(release))
            self.problem = "trial-invalid"
        except Exception as error:  # noqa: BLE001 - whatever a file does to a parser, it must not end the watch over the files
            self.problem = error.code if isinstance(error, FairleadError) else InvalidInput.code
        return None

    def _later(self, work: Callable[..., None], *told: object) -> None:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="fairlead-trial")
        self._thread.submit(work, *told)

    def _shadow(self, beside: Beside, live: str) -> None:
        try:
            record = beside.decide(live, self._clock.now_us())
            if record is not None:
                self._journal.commit([Record(kind="shadow", id=record.id, body=canonical_bytes(record))])
                outcome = "left_out" if record.problem == LEFT_OUT else "failed" if record.problem else "decided"
                self._telemetry.observe_shadow(outcome)
        except FairleadError:  # the journal's: what is only tried may be lost, a live answer may not
            self._telemetry.observe_shadow("failed")
        finally:
            self._waiting.release()

    def _roll_back(self, trial: Trial, why: str) -> None:
        try:
            change_trials(self._path, lambda trials: tuple(_rolled_back(one, trial.id, why) for one in trials))
        except (InvalidInput, OSError):
            # This worker is off it all the same, and the others count for themselves.
            self.problem = InvalidInput.code
        entry = AuditEntry(
            id=new_id("aud"),
            tenant="default",
            actor=ACTOR,
            action="canary.roll_back",
            target=trial.release,
            at_us=self._clock.now_us(),
            detail={"trial": trial.id, "why": why},
        )
        self._journal.commit([Record(kind="audit", id=entry.id, body=canonical_bytes(entry))])


def _rolled_back(one: Trial, identifier: str, why: str) -> Trial:
    if one.id != identifier or one.state != "running":
        return one
    return msgspec.structs.replace(one, state="rolled_back", why=why)
