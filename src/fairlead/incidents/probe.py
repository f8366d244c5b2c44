"""Probing gateway workers: one real request through each worker's own socket, after a lever was pulled."""

import socket
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec

from fairlead.core import FairleadError
from fairlead.guard import Lever
from fairlead.incidents.errors import LeverUnprobed
from fairlead.incidents.model import ProbeResult

TIMEOUT_S = 5.0
"""A worker that doesn't answer within this is not proven to obey."""


class _Decided(msgspec.Struct, frozen=True):
    exchange: str
    action: str
    rule: str = ""


class _Checked(msgspec.Struct, frozen=True):
    decision: _Decided


class _Problem(msgspec.Struct, frozen=True):
    code: str = ""


class _Refused(msgspec.Struct, frozen=True):
    error: _Problem


class SocketProber:
    """Probes the workers of this machine over the sockets that reach exactly one worker each.

    Args:
        folder: Where the workers' sockets are, ``<data>/run``.
        token: Gives an API key of a tenant with the scopes ``check`` and ``chat``.
        tenant: Whose key probes a lever that holds for all tenants.
    """

    def __init__(self, folder: Path, token: Callable[[str], str], tenant: str) -> None:
        self._folder = folder
        self._token = token
        self._tenant = tenant

    def workers(self) -> tuple[str, ...]:
        """Return the names of the workers that are alive.

        The socket of a dead worker refuses connections; a worker that starts later reads the levers before its first request.
        """
        return tuple(path.stem for path in sorted(self._folder.glob("worker-*.sock")) if _alive(path))

    def probe(self, worker: str, lever: Lever) -> ProbeResult:
        """Send one worker a request that the lever must stop, and say whether it did.

        Raises:
            LeverUnprobed: No request shows whether a lever of this kind works.
        """
        path, body = _request(lever)
        start = time.perf_counter_ns()
        result = self._ask(worker, path, body, lever)
        return msgspec.structs.replace(result, took_ms=round((time.perf_counter_ns() - start) / 1e6, 3))

    def _ask(self, worker: str, path: str, body: bytes, lever: Lever) -> ProbeResult:
        try:
            headers = {"authorization": f"Bearer {self._token(lever.tenant or self._tenant)}", "content-type": "application/json"}
            transport = httpx.HTTPTransport(uds=str(self._folder / f"{worker}.sock"))
            with httpx.Client(transport=transport, base_url="http://worker", timeout=TIMEOUT_S, trust_env=False) as client:
                response = client.post(path, content=body, headers=headers)
        except httpx.TimeoutException:
            return ProbeResult(worker=worker, effective=False, problem=f"no answer within {TIMEOUT_S:g} s")
        except httpx.HTTPError as error:
            return ProbeResult(worker=worker, effective=False, problem=f"no answer: {type(error).__name__}")
        except FairleadError as error:
            return ProbeResult(worker=worker, effective=False, problem=f"no key to probe with: {error.code}")
        return _judge(worker, response, lever)


def probed_kind(lever: Lever) -> None:
    """Refuse a lever that no request can prove, before it is pulled.

    Raises:
        LeverUnprobed: It is such a lever.
    """
    _request(lever)


def _alive(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(TIMEOUT_S)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            # Not known to be dead: it counts as a worker that has to be proven.
            return True
    return True


def _request(lever: Lever) -> tuple[str, bytes]:
    if lever.kind == "tool":
        return "/v1/guard/check", msgspec.json.encode({"stage": "tool_call", "tool_call": {"name": lever.target, "arguments": {}}})
    if lever.kind == "memory":
        body = {"stage": "memory", "text": "containment probe", "trajectory": lever.target}
        return "/v1/guard/check", msgspec.json.encode(body)
    if lever.kind == "source":
        text = {"origin": "retrieved", "stage": "retrieval", "text": "containment probe", "metadata": {"source": lever.target}}
        return "/v1/guard/check", msgspec.json.encode({"stage": "retrieval", "segments": [{"path": "/documents/0", **text}]})
    if lever.kind in ("key", "token"):
        what = f"a lever on a {lever.kind} can't be probed without the {lever.kind}"
        raise LeverUnprobed(what, where=lever.target, mend="revoke it instead")
    model = lever.target if lever.kind == "model" else "containment-probe"
    message = {"role": "user", "content": "containment probe"}
    return "/v1/chat/completions", msgspec.json.encode({"model": model, "messages": [message], "max_tokens": 1})


def _judge(worker: str, response: httpx.Response, lever: Lever) -> ProbeResult:
    exchange = response.headers.get("x-fairlead-exchange", "")
    try:
        if lever.kind not in ("tool", "memory", "source"):
            held = response.status_code == 503 and msgspec.json.decode(response.content, type=_Refused).error.code == "contained"
            problem = "" if held else f"answered with status {response.status_code} instead of refusing"
            return ProbeResult(worker=worker, effective=held, exchange=exchange, problem=problem)
        if response.status_code != 200:
            return ProbeResult(worker=worker, effective=False, exchange=exchange, problem=f"answered with status {response.status_code}")
        decided = msgspec.json.decode(response.content, type=_Checked).decision
    except msgspec.MsgspecError:
        return ProbeResult(worker=worker, effective=False, exchange=exchange, problem="answered with something else than a Decision")
    stops = ("redact", "retrieval.quarantined") if lever.kind == "source" else ("block", f"lever:{lever.kind}:{lever.target}")
    held = (decided.action, decided.rule) == stops
    problem = "" if held else f"decided {decided.action} by rule {decided.rule or 'none'}, not by the lever"
    return ProbeResult(worker=worker, effective=held, exchange=decided.exchange, problem=problem)
