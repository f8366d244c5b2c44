"""Drivers of the decision flow: one that waits in the caller's thread, one for an event loop. Both answer from the same ports."""

import asyncio
from concurrent.futures import Future
from typing import TypeVar

from fairlead.guard.detect import Detected, run_detectors
from fairlead.guard.errors import PortFailed
from fairlead.guard.flow import Flow
from fairlead.guard.ports import (
    Ask,
    AskBroker,
    AskDetect,
    AskFingerprint,
    AskHeld,
    AskKeep,
    AskLevers,
    AskLimits,
    AskQuarantine,
    AskRemote,
    AskSettle,
    AskTime,
    AskTranscript,
    Ports,
    Time,
)

T = TypeVar("T")

OFFLOAD_CHARS = 16_000
"""A detection job longer than this many characters runs in a thread, never on the event loop."""
# Tuples made once: ``A | B`` is made anew at each use, and a dozen asks per request are told apart.
_AT_ONCE = (AskTime, AskFingerprint, AskLevers, AskKeep, AskHeld)
_VAULT = (AskKeep, AskHeld)
_SLOW = (AskBroker, AskSettle, AskQuarantine, AskTranscript)
"""A broker may ask for an approval, which is kept on a disk that other processes use too."""


def drive(flow: Flow[T], ports: Ports) -> T:
    """Run a flow to its end in this thread.

    Args:
        flow: A generator of ``guard.flow``.
        ports: Who answers.
    """
    answer: object = None
    failure: PortFailed | None = None
    while True:
        try:
            ask = flow.send(answer) if failure is None else flow.throw(failure)
        except StopIteration as stop:
            result: T = stop.value
            return result
        answer, failure = _try(ask, ports)


async def adrive(flow: Flow[T], ports: Ports) -> T:
    """Run a flow to its end on an event loop; what is slow runs in a thread.

    Args:
        flow: A generator of ``guard.flow``.
        ports: Who answers.
    """
    answer: object = None
    failure: PortFailed | None = None
    while True:
        try:
            ask = flow.send(answer) if failure is None else flow.throw(failure)
        except StopIteration as stop:
            result: T = stop.value
            return result
        if isinstance(ask, _AT_ONCE):
            answer, failure = _try(ask, ports)
        elif isinstance(ask, AskRemote):
            answer, failure = await _await_remote(ask, ports)
        elif isinstance(ask, AskLimits):
            answer, failure = await _await_limits(ask, ports)
        elif _is_slow(ask):
            answer, failure = await asyncio.to_thread(_try, ask, ports)
        else:
            answer, failure = _try(ask, ports)


async def _await_remote(ask: AskRemote, ports: Ports) -> tuple[object, PortFailed | None]:
    """Wait for detectors outside the process without holding up the event loop, or a thread for each."""
    try:
        return await asyncio.wrap_future(_submit(ports, ask)), None
    except Exception as error:  # noqa: BLE001 - as in _try
        return None, _failed(ask, error)


async def _await_limits(ask: AskLimits, ports: Ports) -> tuple[object, PortFailed | None]:
    """Ask the limit store; one that is across a network holds up no event loop."""
    waiting = ports.limits.waiting(ask)
    if waiting is None:
        return _try(ask, ports)
    try:
        return await waiting, None
    except Exception as error:  # noqa: BLE001 - as in _try
        return None, _failed(ask, error)


def _submit(ports: Ports, ask: AskRemote) -> Future[Detected]:
    if ports.remote is None:
        raise PortFailed("there is nobody who could ask remote detectors", mend="give the driver a port for them")
    return ports.remote.submit(ask.job)


def _is_slow(ask: Ask) -> bool:
    if isinstance(ask, AskDetect):
        return ask.job.dear or sum([len(segment.text) for segment in (*ask.job.segments, *ask.job.sources)]) > OFFLOAD_CHARS
    return isinstance(ask, _SLOW)


def _try(ask: Ask, ports: Ports) -> tuple[object, PortFailed | None]:
    try:
        return answer_from(ports, ask), None
    except Exception as error:  # noqa: BLE001 - a port may raise anything; the flow records it and the policy decides
        return None, _failed(ask, error)


def _failed(ask: Ask, error: Exception) -> PortFailed:
    failed = PortFailed(f"{type(ask).__name__} failed with {type(error).__name__}", mend="see the gateway's health page")
    failed.__cause__ = error
    return failed


def answer_from(ports: Ports, ask: Ask) -> object:
    """Return the answer to one ask."""
    if isinstance(ask, AskTime):
        return Time(ports.clock.now_us(), ports.clock.monotonic_us())
    if isinstance(ask, AskDetect):
        return run_detectors(ask.job)
    if isinstance(ask, AskFingerprint):
        return ports.fingerprint(ask.texts)
    if isinstance(ask, AskLevers):
        pulled = ports.levers.current()
        return next((lever for lever in pulled for kind, target in ask.targets if lever.holds(kind, target, ask.tenant)), None)
    if isinstance(ask, AskLimits):
        return ports.limits.spend(ask, ports.clock.monotonic_us())
    return _answer_rare(ports, ask)


def _answer_rare(ports: Ports, ask: AskRemote | AskTranscript | AskKeep | AskHeld | AskBroker | AskSettle | AskQuarantine) -> object:
    if isinstance(ask, AskRemote):
        return _submit(ports, ask).result()
    if isinstance(ask, AskTranscript):
        return ports.media[ask.media.kind].read(ask.media)
    return _ask_vault(ports, ask) if isinstance(ask, _VAULT) else _tell_broker(ports, ask)


def _ask_vault(ports: Ports, ask: AskKeep | AskHeld) -> object:
    if ports.vault is None:
        raise PortFailed("there is nobody who keeps what pseudonyms stand for", mend="give the driver a port for it")
    now_us = ports.clock.monotonic_us()
    if isinstance(ask, AskHeld):
        return ports.vault.held(ask, now_us)
    ports.vault.keep(ask, now_us)
    return None


def _tell_broker(ports: Ports, ask: AskBroker | AskSettle | AskQuarantine) -> object:
    if isinstance(ask, AskQuarantine):
        return ports.broker.quarantined(ask.context)
    if isinstance(ask, AskBroker):
        return ports.broker.authorise(ask.call, ask.context)
    ports.broker.settle(ask.call.call, ask.context, made=False)
    return None
