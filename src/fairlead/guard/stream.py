"""A streamed output, guarded while it flows (law 2).

What the rules' patterns say is enforced before a character leaves: only what could still become or extend a match is held. What
needs the whole text (heads, decoded views) runs at the end, and is recorded as late.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from fairlead.core import SEVERITY, Coverage, Decision, Finding, Segment, State
from fairlead.detectors import Cluster, PatternStream, Settled
from fairlead.guard.cascade import ask_dear, left_out
from fairlead.guard.context import ExchangeContext, StageOutcome
from fairlead.guard.detect import Detected, DetectJob, finding_of
from fairlead.guard.edits import Cut, apply_cuts, cuts_of
from fairlead.guard.errors import PortFailed
from fairlead.guard.flow import Flow, ask_fingerprint, ask_time
from fairlead.guard.ports import AskDetect
from fairlead.guard.pseudonyms import Restorer, ask_held, left_over
from fairlead.guard.record import FAILED, RESPONSE, Judgement, incomplete, judge, ruled, stops_on_failure, unanswered, uncovered

HOLD_CAP = "hold-cap"
"""Rule of a Decision that ended a choice because it would have had to hold too much (the policy's ``hold_cap``)."""


class Released(msgspec.Struct, frozen=True):
    """What may leave now."""

    text: str
    blocked: bool = False
    """True when a rule stopped the channel; nothing more of its choice leaves."""


class _Channel:
    __slots__ = ("ended", "findings", "parts", "path", "restorer", "stream")

    def __init__(self, path: str, stream: PatternStream | None, restorer: Restorer) -> None:
        self.path = path
        self.stream = stream
        self.restorer = restorer
        self.parts: list[str] = []
        self.findings: list[Finding] = []
        self.ended = False


def chat_path(choice: int, channel: str) -> str:
    """Return where a channel's text stands in a whole Chat Completion."""
    return f"/choices/{choice}/message/{channel}"


class StreamGuard:
    """Guards every channel of every choice of one streamed Exchange.

    Args:
        context: The Exchange and the Release that decides.
        path: Choice and channel to the pointer that the text has in a whole response; that of Chat Completions by default.
    """

    def __init__(self, context: ExchangeContext, path: Callable[[int, str], str] = chat_path) -> None:
        self._context = context
        self._path = path
        self._scanner = context.release.scanner_at("output")
        self._channels: dict[tuple[int, str], _Channel] = {}
        self._blocked: set[int] = set()
        self._capped = False
        self._values: Mapping[str, str] = {}
        self._passed: dict[str, Coverage] = {}

    def passed(self, unknown: Sequence[Segment]) -> None:
        """Count strings that the guard doesn't know and the policy lets through unseen, for the final record."""
        for segment in unknown:
            entry = uncovered(segment, "unknown field, allowed by the policy")
            before = self._passed.get(segment.path)
            chars = entry.chars + (before.chars if before is not None else 0)
            self._passed[segment.path] = msgspec.structs.replace(entry, chars=chars)

    def feed(self, choice: int, channel: str, text: str) -> Released:
        """Take the next text of a channel and return what may leave.

        Args:
            choice: Index of the choice.
            channel: Field of the delta, such as ``content``.
            text: What the upstream sent.
        """
        here = self._channel(choice, channel)
        if choice in self._blocked or here.ended:
            # A text that has ended can't be gone on with: what came before is decided.
            here.parts.append(text)
            self._blocked.add(choice)
            return Released("", blocked=True)
        text = here.restorer.feed(text)
        here.parts.append(text)
        if here.stream is None:
            return Released(text)
        return self._settle(choice, here, here.stream.feed(text))

    def close(self, choice: int, ended: str = "") -> list[tuple[str, Released]]:
        """Return what was held, by channel.

        Args:
            choice: The choice that ends.
            ended: Only this channel ends; empty for all.
        """
        out: list[tuple[str, Released]] = []
        found = [(key, self._channels[key]) for key in ((choice, ended),) if key in self._channels]
        for (index, channel), here in found if ended else self._channels.items():
            if index != choice or here.ended or choice in self._blocked:
                continue
            here.ended = True
            out += ((channel, released) for released in self._rest(choice, here))
            here.stream = None
        return out

    def _rest(self, choice: int, here: _Channel) -> list[Released]:
        rest = here.restorer.close()
        here.parts.append(rest)
        if here.stream is None:
            return [Released(rest)] if rest else []
        out = [self._settle(choice, here, here.stream.feed(rest))] if rest else []
        if not out or not out[-1].blocked:
            out.append(self._settle(choice, here, here.stream.close()))
        return out

    @property
    def choices(self) -> tuple[int, ...]:
        """Choices that streamed text so far."""
        return tuple(dict.fromkeys(choice for choice, _ in self._channels))

    def held(self) -> int:
        """Return how many characters are held now, over all channels."""
        return sum(
            here.restorer.held + (here.stream.held if here.stream is not None else 0) for here in self._channels.values() if not here.ended
        )

    def segments(self) -> tuple[Segment, ...]:
        """Return the whole texts, as the upstream sent them but with the values of pseudonyms."""
        return tuple(
            Segment(path=here.path, origin="model", stage="output", text="".join(here.parts))
            for here in self._channels.values()
            if here.parts
        )

    def again(self, state: State) -> Callable[[ExchangeContext], Flow[list[StageOutcome]]]:
        """Return what decides about the same texts, streamed, by another Release.

        A text that was stopped here is known only as far as it came.

        Args:
            state: As for :meth:`finish`.
        """
        said = [(choice, channel, "".join(here.parts)) for (choice, channel), here in self._channels.items()]
        passed, path = dict(self._passed), self._path

        def decide(context: ExchangeContext) -> Flow[list[StageOutcome]]:
            guard = StreamGuard(context, path)
            guard._passed = passed
            for choice, channel, text in said:
                guard.feed(choice, channel, text)
            for choice in guard.choices:
                guard.close(choice)
            return [(yield from guard.finish(state))]

        return decide

    def opening(self) -> Flow[Decision]:
        """Return the record that is durable before the first byte leaves; until it is made, no value is put back."""
        self._values = yield from ask_held(self._context)
        time = yield from ask_time()
        return self._decision(time_us=(time.now_us, 0), findings=(), coverage=(), state="open")

    def finish(self, state: State = "final") -> Flow[StageOutcome]:
        """Run what needs the whole text, late, and return the final record.

        Args:
            state: ``interrupted`` when the stream broke off.
        """
        start = yield from ask_time()
        segments = self.segments()
        release = self._context.release
        job = DetectJob(segments, release.detectors_at("output"), self._scanner, late=True, sources=self._context.sources)
        try:
            answer = yield AskDetect(job)
        except PortFailed:
            answer = Detected((), tuple(unanswered(segment) for segment in segments))
        detected = answer if isinstance(answer, Detected) else Detected((), tuple(unanswered(segment) for segment in segments))
        detected = yield from ask_dear(self._context, "output", job, detected, start)
        findings = [finding for here in self._channels.values() for finding in here.findings]
        scanner = self._scanner.id if self._scanner is not None else ""
        findings += [finding for finding in detected.findings if finding.view or finding.detector != scanner]
        fingerprint = yield from ask_fingerprint(tuple(segment.text for segment in segments))
        end = yield from ask_time()
        took = max(0, end.monotonic_us - start.monotonic_us)
        self._context.pace.used_us += took
        coverage = (*detected.coverage, *self._passed.values())
        decision = self._decision(time_us=(start.now_us, took), findings=findings, coverage=coverage, state=state)
        if release.pseudonymises:
            back = sum(here.restorer.restored for here in self._channels.values())
            decision = msgspec.structs.replace(decision, restored=back, unrestored=left_over([segment.text for segment in segments]))
        outcome = self._ended(msgspec.structs.replace(decision, fingerprint=fingerprint), failed=detected.failed)
        return incomplete(outcome) if left_out(detected) and not detected.failed else outcome

    def _ended(self, decision: Decision, *, failed: bool) -> StageOutcome:
        """Say what a detector that failed at the end means: the text has left, but not the marker that says all is well."""
        if not failed or decision.state != "final" or SEVERITY[decision.action] >= SEVERITY["block"]:
            return StageOutcome(decision=decision)
        if stops_on_failure(self._context.release):
            return StageOutcome(decision=msgspec.structs.replace(decision, verdict="block", action="flag", rule=FAILED), failed=True)
        return StageOutcome(decision=msgspec.structs.replace(decision, state="bypassed", rule=decision.rule or FAILED))

    def _decision(self, *, time_us: tuple[int, int], findings: Sequence[Finding], coverage: tuple[Coverage, ...], state: State) -> Decision:
        judgement = judge(self._context, "output", findings)
        decision = ruled(self._context, RESPONSE, time_us[0], judgement, findings)
        if self._capped and SEVERITY[decision.action] < SEVERITY["block"]:
            decision = msgspec.structs.replace(decision, verdict="block", action="block", rule=HOLD_CAP)
        return msgspec.structs.replace(decision, coverage=coverage, took_us=time_us[1], state=state)

    def _channel(self, choice: int, channel: str) -> _Channel:
        key = (choice, channel)
        here = self._channels.get(key)
        if here is None:
            stream = None if self._scanner is None else self._scanner.stream()
            here = self._channels[key] = _Channel(self._path(choice, channel), stream, Restorer(self._values))
        return here

    def _settle(self, choice: int, here: _Channel, settled: Settled) -> Released:
        policy = self._context.release.policy
        if settled.capped and policy.hold_cap == "block" and policy.mode == "enforce":
            # What would leave is not decided: it could be the middle of a match that does not end.
            self._capped = True
            self._blocked.add(choice)
            return Released("", blocked=True)
        if not settled.clusters:
            return Released(settled.text)
        cuts: list[Cut] = []
        for cluster in settled.clusters:
            findings = self._findings(here, cluster)
            judgement = judge(self._context, "output", findings)
            here.findings += findings
            if SEVERITY[judgement.action(self._context.release)] >= SEVERITY["require_approval"]:
                self._blocked.add(choice)
                prefix = settled.text[: cluster.start - settled.start]
                return Released(apply_cuts(prefix, cuts, settled.start), blocked=True)
            cuts += self._cuts(judgement, settled)
        return Released(apply_cuts(settled.text, cuts, settled.start))

    def _findings(self, here: _Channel, cluster: Cluster) -> list[Finding]:
        name = self._scanner.id if self._scanner is not None else ""
        return [finding_of(hit, here.path, name) for hit in cluster.hits]

    def _cuts(self, judgement: Judgement, settled: Settled) -> list[Cut]:
        if judgement.action(self._context.release) not in ("redact", "replace", "route"):
            return []
        return cuts_of(judgement.now.edits, settled.text, self._context.operators, settled.start)
