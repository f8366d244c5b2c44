"""What the decision flow may ask for, and who answers.

The flow is a generator: it yields an *ask* and is sent the answer. It never calls anything that waits. A driver
(`guard.drivers`) owns the ports below and answers, in a thread, on an event loop, or from a recording.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from fairlead.core import Action, Clock, MediaKind, MediaSegment, Segment, Status
from fairlead.detectors.remote import Remote
from fairlead.guard.detect import Detected, DetectJob

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from concurrent.futures import Future

UNKNOWN_LABEL = "the answer holds a label that nobody has mapped"
"""Reason of a Coverage entry; the policy's ``unknown`` says what it means."""


class ToolCall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One call that a model asks for."""

    tool: str
    """Name, as the wire gave it."""
    arguments: bytes
    """Raw JSON, as the wire gave it; parsing it is the broker's business."""
    call: str = ""
    """The wire's id of the call."""
    path: str = ""
    """JSON pointer to the arguments."""


class ToolContext(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the broker needs to know beside the call."""

    tenant: str
    exchange: str
    segments: tuple[Segment, ...]
    """Everything that the model saw, for the provenance of each argument."""
    trajectory: str = ""
    user: str = ""
    """The application's own user, as it named him."""
    approvals: tuple[str, ...] = ()
    """Approvals that the client presents."""
    delegation: str = ""
    """Token of delegated authority that the client presents; a secret."""


class ToolVerdict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the broker says of one call."""

    action: Action
    """``allow``, ``block`` or ``require_approval``."""
    rule: str
    """Id of the rule that decided."""
    reason: str = ""
    """Why, without content."""
    hazard: str = "tool_abuse"
    """Id in the taxonomy, when it is not allowed."""
    approval: str = ""
    """``apr_…`` that was asked for or used."""


LeverKind = Literal["tool", "model", "system", "tenant", "key", "memory", "token", "source"]
"""``memory``: what a Trajectory wrote into memory or handed on is read no more, and it reads none. ``token``: a block of a delegation.
``source``: retrieved documents of it are withheld."""


class Lever(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A containment lever that is pulled: what it names is off until someone releases it."""

    id: str
    kind: LeverKind
    target: str
    """Name of the tool, model, System, tenant or key, the Trajectory, the block's id, or the source."""
    by: str
    """Account that pulled it."""
    at_us: int
    tenant: str = ""
    """Only for this tenant; empty for all."""
    incident: str = ""
    reason: str = ""

    def holds(self, kind: LeverKind, target: str, tenant: str) -> bool:
        """Tell whether the lever stops this target for this tenant."""
        return self.kind == kind and self.target == target and self.tenant in ("", tenant)


class AskTime(msgspec.Struct, frozen=True):
    """What time is it? Answer: :class:`Time`."""


class Time(msgspec.Struct, frozen=True):
    """Wall time and monotonic time, both in microseconds."""

    now_us: int
    monotonic_us: int


class AskLevers(msgspec.Struct, frozen=True):
    """Is any of these off for the tenant? Answer: the first :class:`Lever` that holds, or None."""

    targets: tuple[tuple[LeverKind, str], ...]
    tenant: str


class Charge(msgspec.Struct, frozen=True):
    """So much of one limit, for one subject."""

    limit: str
    """Name of the limit, such as ``requests_per_minute``."""
    subject: str
    """Whose budget: System, tenant and key, user or tool, each with its length before it; never shared by two tenants."""
    amount: int
    ceiling: int
    window_us: int

    @property
    def part_us(self) -> int:
        """Length of a sixtieth of the window, rounded up."""
        return -(-self.window_us // 60)

    def digest(self) -> bytes:
        """Return sixteen bytes that stand for limit and subject where they are counted: no name of anybody is stored there."""
        return blake2b(f"{len(self.limit)}:{self.limit}{self.subject}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


class AskLimits(msgspec.Struct, frozen=True):
    """May all of this be spent? All is, or nothing. Answer: :class:`LimitAnswer`."""

    tenant: str
    """Whose they are."""
    charges: tuple[Charge, ...]
    at: tuple[int, ...] = ()
    """Instead of spending: correct by these amounts, of any sign, what was spent in these parts. It is never refused."""


class Spending(msgspec.Struct):
    """What an Exchange was charged, until it is known what it took."""

    charges: tuple[Charge, ...] = ()
    at: tuple[int, ...] = ()


class Pace(msgspec.Struct):
    """What guarding an Exchange has taken so far."""

    used_us: int = 0


class LimitAnswer(msgspec.Struct, frozen=True):
    """Whether the budgets allow it, and when to come back."""

    refused: str = ""
    """The limit that refuses; of several, the one that does so longest."""
    retry_after_us: int = 0
    at: tuple[int, ...] = ()
    """For each charge, the part of its window in which it counts."""


class AskDetect(msgspec.Struct, frozen=True):
    """Run these detectors on these texts. Answer: ``guard.detect.Detected``; a driver offloads a large job."""

    job: DetectJob


class RemoteJob(msgspec.Struct, frozen=True):
    """Which detector outside the process looks at which Segment."""

    pairs: tuple[tuple[Remote, Segment], ...]
    late: bool = False
    """True when (part of) the text has been released already."""
    within_us: int | None = None
    """Time for all of them, beside each one's own."""


class AskRemote(msgspec.Struct, frozen=True):
    """Ask these remote detectors about these texts, each within its time. Answer: ``guard.detect.Detected``."""

    job: RemoteJob


class AskTranscript(msgspec.Struct, frozen=True):
    """What is written in this image, or said in this recording? Answer: :class:`Transcript`; a driver asks in a thread."""

    media: MediaSegment


class Transcript(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader made of an image or a recording."""

    reader: str
    """Who read it, with its version; named in the Coverage."""
    text: str = ""
    status: Status = "ran"
    """Anything but ``ran`` is a failure and never a pass."""
    reason: str = ""
    """Of a failure, without content."""


class AskBroker(msgspec.Struct, frozen=True):
    """May this tool call be made? Answer: :class:`ToolVerdict`."""

    call: ToolCall
    context: ToolContext


class AskSettle(msgspec.Struct, frozen=True):
    """A call that the broker allowed is not made after all: give back what was reserved for it. No answer."""

    call: ToolCall
    context: ToolContext


class AskQuarantine(msgspec.Struct, frozen=True):
    """Is a lever pulled on the memory of who reads, or of who wrote one of these texts? Answer: that Trajectory, or the empty text."""

    context: ToolContext


class AskFingerprint(msgspec.Struct, frozen=True):
    """Give the keyed fingerprint of these texts. Answer: ``hmac:…``."""

    texts: tuple[str, ...]


class AskKeep(msgspec.Struct, frozen=True):
    """Keep what these pseudonyms stand for. No answer."""

    tenant: str
    scope: str
    """Within what the names hold; see ``guard.pseudonyms``."""
    values: dict[str, str]
    """Pseudonym to value: content, for no record and no message."""
    ttl_us: int


class AskHeld(msgspec.Struct, frozen=True):
    """What do the pseudonyms of this tenant and scope stand for? Answer: pseudonym to value, without what was forgotten."""

    tenant: str
    scope: str


Ask = (
    AskTime
    | AskLevers
    | AskLimits
    | AskDetect
    | AskRemote
    | AskTranscript
    | AskBroker
    | AskSettle
    | AskQuarantine
    | AskFingerprint
    | AskKeep
    | AskHeld
)
"""Everything that a flow can ask."""


class Levers(Protocol):
    """Which levers are pulled. Failure posture: the last known state, counted; never a default."""

    def current(self) -> tuple[Lever, ...]:
        """Return the levers that are pulled now."""
        ...


class LimitStore(Protocol):
    """Counts what was spent. Failure posture: the caller's ``on_error`` (closed by default)."""

    def spend(self, ask: AskLimits, monotonic_us: int) -> LimitAnswer:
        """Spend all charges or none, or correct what was spent."""
        ...

    def waiting(self, ask: AskLimits) -> "Awaitable[LimitAnswer] | None":
        """Return what an event loop awaits instead of :meth:`spend`; None where that never waits."""
        ...


class PseudonymVault(Protocol):
    """Keeps what pseudonyms stand for. Failure posture: nothing is put back; the names stay, and are counted."""

    def keep(self, ask: AskKeep, monotonic_us: int) -> None:
        """Keep values for their time."""
        ...

    def held(self, ask: AskHeld, monotonic_us: int) -> dict[str, str]:
        """Return pseudonym to value of one tenant's scope."""
        ...


class ToolBroker(Protocol):
    """Decides about tool calls. Failure posture: an exception is a block, recorded."""

    def authorise(self, call: ToolCall, context: ToolContext) -> ToolVerdict:
        """Say whether the call may be made."""
        ...

    def settle(self, call: str, context: ToolContext, *, made: bool) -> None:
        """Say what became of a call that was allowed, by the wire's id; one that was not made is given back to the budgets."""
        ...

    def remember(self, segment: Segment, context: ToolContext) -> str:
        """Keep what a text is worth that goes into memory or to another agent; returns its label."""
        ...

    def quarantined(self, context: ToolContext) -> str:
        """Return the Trajectory with a lever on its memory that reads here, or that wrote one of these texts; empty for none."""
        ...


class Fingerprinter(Protocol):
    """Keyed hashes, so that repeats can be found without keeping content."""

    def __call__(self, texts: tuple[str, ...]) -> str:
        """Return ``hmac:`` and the hex digest of the texts."""
        ...


class RemoteDetectors(Protocol):
    """Asks models and services outside the process. Failure posture: ``errored`` or ``timed_out`` in the Coverage, never a pass."""

    def submit(self, job: RemoteJob) -> "Future[Detected]":
        """Begin to ask, and return what will hold the answer; its Coverage names every pair of the job."""
        ...


class MediaReader(Protocol):
    """Reads images or hears recordings. Failure posture: a status of its own or an exception, which is ``errored``; never a pass."""

    def read(self, media: MediaSegment) -> Transcript:
        """Return the text; within a time of its own, for a driver only waits."""
        ...


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a driver answers from."""

    clock: Clock
    levers: Levers
    limits: LimitStore
    broker: ToolBroker
    fingerprint: Fingerprinter
    remote: RemoteDetectors | None = None
    """None where no policy may declare any; asking then fails."""
    vault: PseudonymVault | None = None
    """None where nothing can be put back; asking then fails."""
    media: Mapping[MediaKind, MediaReader] = {}
    """Who reads what; asking for another kind fails."""


__all__ = [
    "UNKNOWN_LABEL",
    "Ask",
    "AskBroker",
    "AskDetect",
    "AskFingerprint",
    "AskHeld",
    "AskKeep",
    "AskLevers",
    "AskLimits",
    "AskQuarantine",
    "AskRemote",
    "AskSettle",
    "AskTime",
    "AskTranscript",
    "Charge",
    "Fingerprinter",
    "Lever",
    "LeverKind",
    "Levers",
    "LimitAnswer",
    "LimitStore",
    "MediaReader",
    "Pace",
    "Ports",
    "PseudonymVault",
    "RemoteDetectors",
    "RemoteJob",
    "Spending",
    "Time",
    "ToolBroker",
    "ToolCall",
    "ToolContext",
    "ToolVerdict",
    "Transcript",
]
