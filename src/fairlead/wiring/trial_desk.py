"""What people do with trials of a policy: start, stop, promote, and read what a shadow said."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from fairlead.core import UsageError, decode, new_id
from fairlead.detectors import Registry
from fairlead.identity.records import IdentityRecords
from fairlead.journal import AuditEntry
from fairlead.policy import Release
from fairlead.releases import Pair, RollBack, ShadowRecord, ShadowReport, TrialInvalid, compare_shadow
from fairlead.store.records import decisions_of, events_after
from fairlead.wiring.control_plane import ControlPlane
from fairlead.wiring.policy_files import PolicyFiles, read_policy_text
from fairlead.wiring.trials import TRIALS_FILE, Kind, Trial, change_trials, read_trials

_PAGE = 1000


class TrialDesk:
    """Changes the file of trials that the gateway's workers watch.

    Args:
        plane: The control plane.
        policy: The live policy file.
    """

    def __init__(self, plane: ControlPlane, policy: Path) -> None:
        self._plane = plane
        self._live = PolicyFiles(policy.absolute(), plane.settings.config_dir)
        self._path = plane.settings.data_dir / TRIALS_FILE

    def start(
        self, kind: Kind, candidate: Path, *, by: str, share: float = 1.0, tenants: Sequence[str] = (), roll_back: RollBack | None = None
    ) -> Trial:
        """Check a candidate and have it tried; what stands beside the live policy (tools.cedar, pins, calibrations) is the candidate's too.

        Args:
            kind: Beside the live policy, or instead of it.
            candidate: Its file; only the policy differs (law 5).
            by: Who starts it.
            share: Of Exchanges, or of callers for a canary.
            tenants: A canary for these tenants instead.
            roll_back: When a canary goes back by itself.

        Raises:
            InvalidInput: The candidate is invalid; nothing is changed (law 7).
            TrialInvalid: It is the live policy, of another System, or one of this kind runs already.
        """
        registry, live_texts = Registry.load(), self._live.read()
        base = self._live.compile(registry, live_texts)
        texts = msgspec.structs.replace(live_texts, policy=read_policy_text(candidate))
        release = PolicyFiles(candidate.absolute(), self._live.config_dir).compile(registry, texts)
        _check(base, release, candidate)
        now_us = self._plane.clock.now_us()
        trial = Trial(
            id=new_id("tri"),
            kind=kind,
            release=release.id,
            base=base.id,
            texts=texts,
            share=share,
            tenants=tuple(tenants),
            roll_back=roll_back,
            by=by,
            at_us=now_us,
        )

        def started(trials: tuple[Trial, ...]) -> tuple[Trial, ...]:
            if any(one.kind == kind and one.state == "running" for one in trials):
                raise TrialInvalid(f"a {kind} runs already", where=TRIALS_FILE, mend=f"end it first: `fairlead policy {kind} stop`")
            return (*(one for one in trials if one.kind != kind), trial)

        # Kept like any Release, so that its Decisions find the incident rules that they were made under.
        self._plane.keep_candidate(self._live, release.id, texts.policy)
        self._note(f"{kind}.start", trial, by)
        change_trials(self._path, started)
        return trial

    def stop(self, kind: Kind, *, by: str) -> Trial:
        """End a trial; the live policy decides for everybody again.

        Raises:
            TrialInvalid: None of this kind runs.
        """
        return self._end(kind, "stopped", by)

    def promote(self, *, by: str, tenant: str) -> Trial:
        """Put the canary's policy in force: the policy file is replaced at once, and the Release recorded and signed.

        Args:
            by: Who does it.
            tenant: Whose System it guards.

        Raises:
            TrialInvalid: No canary runs, or the live policy is another one than at the start.
            UsageError: The policy file can't be written; nothing is changed.
        """
        trial = self._running("canary")
        if self._live.compile(Registry.load()).id != trial.base:
            mend = "look at what changed, then stop the canary and start it again"
            raise TrialInvalid("the live policy is another one than when the canary began", where=self._live.policy.name, mend=mend)
        try:
            self._live.replace(trial.texts.policy)
        except OSError as error:
            raise UsageError("the policy file can't be written", where=self._live.policy.name, mend="check its permissions") from error
        self._plane.put_policy_in_force(tenant=tenant, by=by)
        return self._end("canary", "promoted", by)

    def trials(self) -> tuple[Trial, ...]:
        """Return the last trial of each kind, whatever became of it.

        Raises:
            InvalidInput: The file is damaged.
        """
        return read_trials(self._path)

    def report(self, tenant: str, trial: str = "") -> ShadowReport:
        """Compare what a shadow said with the live Decisions of a tenant; what the journals hold is taken over before.

        Args:
            tenant: Whose Exchanges.
            trial: Which; the last shadow by default.

        Raises:
            TrialInvalid: There was no shadow.
            ShadowIncomparable: More than the policy differs.
        """
        wanted = trial or next((one.id for one in self.trials() if one.kind == "shadow"), "")
        if not wanted:
            raise TrialInvalid("no shadow was started here", where=TRIALS_FILE, mend="start one: `fairlead policy shadow start`")
        self._plane.look()
        return compare_shadow(self._pairs(tenant, wanted), wanted)

    def _pairs(self, tenant: str, trial: str) -> Iterator[Pair]:
        after = 0
        with self._plane.store.read() as connection:
            while page := events_after(connection, tenant, "shadow", after=after, limit=_PAGE):
                after = page[-1].seq
                for event in page:
                    record = decode(event.body, ShadowRecord, where=event.id)
                    if record.trial == trial:
                        yield Pair(record, decisions_of(connection, tenant, record.id))

    def _running(self, kind: Kind) -> Trial:
        running = next((one for one in self.trials() if one.kind == kind and one.state == "running"), None)
        if running is None:
            raise TrialInvalid(f"no {kind} runs", where=TRIALS_FILE, mend=f"see `fairlead policy {kind} status`")
        return running

    def _end(self, kind: Kind, state: Literal["stopped", "promoted"], by: str) -> Trial:
        trial = self._running(kind)
        ended = msgspec.structs.replace(trial, state=state)
        self._note(f"{kind}.{'promote' if state == 'promoted' else 'stop'}", trial, by)
        change_trials(self._path, lambda trials: tuple(ended if one.id == trial.id else one for one in trials))
        return ended

    def _note(self, action: str, trial: Trial, by: str) -> None:
        detail = {"trial": trial.id, "base": trial.base, "share": str(trial.share), "tenants": ",".join(trial.tenants)}
        if trial.roll_back is not None:
            detail["roll_back_if"] = trial.roll_back.text()
        entry = AuditEntry(
            id=new_id("aud"),
            tenant="default",
            actor=by,
            action=action,
            target=trial.release,
            at_us=self._plane.clock.now_us(),
            detail=detail,
        )
        IdentityRecords(self._plane.store).note(entry)


def _check(base: Release, release: Release, candidate: Path) -> None:
    problem = ""
    if release.id == base.id:
        problem = "the candidate decides exactly as the live policy"
    elif release.policy.system != base.policy.system:
        problem = "the candidate is of another System than the live policy"
    elif release.policy.audit != base.policy.audit:
        problem = "'audit' can't change while the gateway serves"
    if problem:
        raise TrialInvalid(problem, where=candidate.name, mend="see `fairlead policy diff`")
