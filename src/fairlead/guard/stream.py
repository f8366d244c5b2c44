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
from fairlead.guard.joined import SEAM
from fairlead.guard.joint import Joint
from fairlead.guard.ports import AskDetect
from fairlead.guard.pseudonyms import Restorer, ask_held, left_over
from fairlead.guard.record import FAILED, RESPONSE, Judgement, incomplete, judge, ruled, stops_on_failure, unanswered, uncovered
from fairlead.wire import part_of

HOLD_CAP = "hold-cap"
"""Rule of a Decision that ended a choice because it would have had to hold too much (the policy's ``hold_cap``)."""


class Released(msgspec.Struct, frozen=True):
    """What may leave now."""

    text: str
    blocked: bool = False
    """True when a rule stopped the channel; nothing more of its choice leaves."""
    before: tuple[tuple[str, "Released"], ...] = ()
    """What of channels that have ended leaves before it; if any of that is blocked, so is this."""


class _Channel:
    __slots__ = ("ended", "findings", "joint", "name", "part", "parts", "path", "restorer", "stream")

    def __init__(self, name: str, path: str, stream: PatternStream | None, restorer: Restorer) -> None:
        self.name = name
        self.path = path
        self.part = part_of(path)
        self.joint: Joint | None = None
        """Reads it joined with the texts around it, as long as that could matter."""
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
        self._last: dict[int, _Channel] = {}
        """By choice: the part that the next one may follow."""
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
        here = self._channels.get((choice, channel))
        before: tuple[tuple[str, Released], ...] = ()
        if here is None:
            here, before = self._begin(choice, channel)
        if choice in self._blocked or here.ended:
            # A text that has ended can't be gone on with: what came before is decided.
            here.parts.append(text)
            self._blocked.add(choice)
            return Released("", blocked=True, before=before)
        text = here.restorer.feed(text)
        here.parts.append(text)
        if here.stream is None:
            return Released(text, before=before)
        if here.joint is None:
            released = self._settle(choice, here, here.stream.feed(text))
            return msgspec.structs.replace(released, before=before) if before else released
        pieces = self._read_joined(choice, here, here.joint, text)
        own = "".join(released.text for name, released in pieces if name == channel)
        blocked = any(released.blocked for _, released in pieces)
        return Released(own, blocked=blocked, before=tuple((name, released) for name, released in pieces if name != channel))

    def close(self, choice: int, ended: str = "") -> list[tuple[str, Released]]:
        """Return what was held, by channel.

        What the next part of the answer could make part of a match stays held as long as :meth:`holds` says so.

        Args:
            choice: The choice that ends.
            ended: Only this channel ends; empty for all.
        """
        out: list[tuple[str, Released]] = []
        if ended and (choice, ended) not in self._channels:
            return out
        found = [self._channels[choice, ended]] if ended else [here for (index, _), here in self._channels.items() if index == choice]
        for here in found:
            if here.ended or choice in self._blocked:
                continue
            here.ended = True
            out += self._rest(choice, here, alone=not ended or self._last.get(choice) is not here)
            here.stream = None
        return out if ended else out + self.settle(choice)

    def settle(self, choice: int) -> list[tuple[str, Released]]:
        """Return what ended parts still hold, since nothing follows them directly."""
        last = self._last.pop(choice, None)
        if last is None or last.joint is None or not last.ended or choice in self._blocked:
            return []
        joint, last.joint = last.joint, None
        joint.close()
        return self._pieces(choice, joint)

    def holds(self, choice: int, channels: tuple[str, ...]) -> bool:
        """Tell whether something of these channels, which have ended, is still held."""
        last = self._last.get(choice)
        return last is not None and last.joint is not None and not last.joint.channels.isdisjoint(channels)

    def _begin(self, choice: int, channel: str) -> tuple[_Channel, tuple[tuple[str, Released], ...]]:
        """Open a channel; return what of the part before it is decided by that."""
        path = self._path(choice, channel)
        stream = None if self._scanner is None else self._scanner.stream()
        here = self._channels[choice, channel] = _Channel(channel, path, stream, Restorer(self._values))
        last = self._last.get(choice)
        follows = last is not None and last.part is not None and here.part is not None and last.part.then(here.part)
        if last is not None and last.part is not None and not follows and path.startswith(last.part.beside):
            return here, ()
        out: list[tuple[str, Released]] = []
        if last is not None and last.joint is not None and last.ended and follows:
            here.joint, last.joint = last.joint, None
            here.joint.go_on(channel)
        else:
            out = self.settle(choice)
        self._last[choice] = here
        return here, tuple(out)

    def _rest(self, choice: int, here: _Channel, *, alone: bool) -> list[tuple[str, Released]]:
        """Return what is left of a channel that ends; ``alone`` when nothing can follow it."""
        rest = here.restorer.close()
        here.parts.append(rest)
        if here.stream is None:
            return [(here.name, Released(rest))] if rest else []
        out: list[tuple[str, Released]] = []
        if rest and here.joint is not None:
            out = self._read_joined(choice, here, here.joint, rest)
        elif rest:
            out = [(here.name, self._settle(choice, here, here.stream.feed(rest)))]
        if out and out[-1][1].blocked:
            return out
        if here.joint is None and (alone or here.part is None or not here.stream.held):
            return [*out, (here.name, self._settle(choice, here, here.stream.close()))]
        joint = here.joint = here.joint or Joint(here.name, here.stream)
        joint.end(here.stream)
        if alone:
            joint.close()
        out += self._pieces(choice, joint)
        if joint.over:
            here.joint = None
        return out

    def _read_joined(self, choice: int, here: _Channel, joint: Joint, text: str) -> list[tuple[str, Released]]:
        """Read more of a text alone, and joined with those before it."""
        if here.stream is not None:
            joint.add(here.stream.feed(text))
            joint.feed(text)
        pieces = self._pieces(choice, joint)
        if joint.over:
            here.joint = None
        return pieces

    def _pieces(self, choice: int, joint: Joint) -> list[tuple[str, Released]]:
        out: list[tuple[str, Released]] = []
        for channel, settled in joint.take():
            out.append((channel, self._settle(choice, self._channels[choice, channel], settled)))
            if out[-1][1].blocked:
                break
        return out

    @property
    def choices(self) -> tuple[int, ...]:
        """Choices that streamed text so far."""
        return tuple(dict.fromkeys(choice for choice, _ in self._channels))

    def held(self) -> int:
        """Return how many characters are held now, over all channels."""
        return sum(
            here.restorer.held + (here.stream.held if here.stream is not None else 0) for here in self._channels.values() if not here.ended
        ) + sum(last.joint.waiting for last in self._last.values() if last.joint is not None)

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
                guard.close(choice, channel)
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
        findings += [finding for finding in detected.findings if _is_late(finding, scanner, findings)]
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


def _is_late(finding: Finding, scanner: str, seen: Sequence[Finding]) -> bool:
    """Tell whether a finding of the whole text is news: what the patterns see as they stand was seen while it flowed."""
    if finding.detector != scanner or finding.view not in ("", SEAM):
        return True
    known = {(one.path, one.span, one.entity) for one in seen}
    return finding.view == SEAM and (finding.path, finding.span, finding.entity) not in known
