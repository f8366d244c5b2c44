"""Detectors and ports that fail, for tests of what the guard makes of a failure."""

from collections.abc import Sequence

from fairlead.core import Origin, Segment
from fairlead.detectors import Hit, Runs, Text
from fairlead.guard import (
    AskHeld,
    AskKeep,
    AskLimits,
    Lever,
    LimitAnswer,
    MemoryLimits,
    MemoryVault,
    Ports,
    ToolCall,
    ToolContext,
    ToolVerdict,
)
from fairlead.testing.clock import FixedClock


class FailingDetector:
    """A detector that raises on every text.

    Args:
        detector_id: ``name@version``.
        hazard: What it says it can find.
    """

    runs: Runs = "whole"

    def __init__(self, detector_id: str = "broken@1", hazard: str = "prompt_injection") -> None:
        self.id = detector_id
        self.hazards: tuple[str, ...] = (hazard,)

    def detect(self, text: Text, origin: Origin) -> Sequence[Hit]:
        """Raise, with the text in the message as a careless plug-in would."""
        raise ValueError(f"can't read {text.original!r} from {origin}")


class ScriptedPorts:
    """Ports that answer what a test says; a port that is named in ``broken`` raises instead.

    Args:
        levers: What is pulled.
        verdict: What the broker says of every call.
        broken: Any of ``levers``, ``limits``, ``broker``, ``vault`` and ``fingerprint``.
    """

    def __init__(self, *, levers: tuple[Lever, ...] = (), verdict: ToolVerdict | None = None, broken: frozenset[str] = frozenset()) -> None:
        self.clock = FixedClock()
        self._levers = levers
        self._verdict = verdict or ToolVerdict(action="allow", rule="tools.any")
        self._broken = broken
        self._limits = MemoryLimits()
        self._vault = MemoryVault()
        self.settled: list[tuple[str, bool]] = []
        """Calls that the broker was told about, and whether they were made."""

    @property
    def ports(self) -> Ports:
        """What a driver answers from."""
        return Ports(clock=self.clock, levers=self, limits=self, broker=self, fingerprint=self._fingerprint, vault=self)

    def current(self) -> tuple[Lever, ...]:
        """Answer as the levers."""
        self._break("levers")
        return self._levers

    def spend(self, ask: AskLimits, monotonic_us: int) -> LimitAnswer:
        """Answer as the limit store."""
        self._break("limits")
        return self._limits.spend(ask, monotonic_us)

    def waiting(self, ask: AskLimits) -> None:  # noqa: ARG002 - the port's signature
        """Say that the limit store answers at once."""
        return

    def authorise(self, call: ToolCall, context: ToolContext) -> ToolVerdict:  # noqa: ARG002 - the port's signature
        """Answer as the tool broker."""
        self._break("broker")
        return self._verdict

    def keep(self, ask: AskKeep, monotonic_us: int) -> None:
        """Answer as the vault."""
        self._break("vault")
        self._vault.keep(ask, monotonic_us)

    def held(self, ask: AskHeld, monotonic_us: int) -> dict[str, str]:
        """Answer as the vault."""
        self._break("vault")
        return self._vault.held(ask, monotonic_us)

    def settle(self, call: str, context: ToolContext, *, made: bool) -> None:  # noqa: ARG002 - the port's signature
        """Take in what became of a call."""
        self._break("settling")
        self.settled.append((call, made))

    def remember(self, segment: Segment, context: ToolContext) -> str:  # noqa: ARG002 - the port's signature
        """Keep nothing."""
        self._break("memory")
        return "untrusted"

    def quarantined(self, context: ToolContext) -> str:
        """Say that a Trajectory is held when a lever on its memory is pulled."""
        self._break("memory")
        return next((lever.target for lever in self._levers if lever.holds("memory", context.trajectory, context.tenant)), "")

    def _fingerprint(self, texts: tuple[str, ...]) -> str:
        self._break("fingerprint")
        return f"hmac:{len(texts)}"

    def _break(self, port: str) -> None:
        if port in self._broken:
            raise OSError(f"{port} do not answer")
