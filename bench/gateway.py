"""What a guarded request costs: CPU per request and per streamed chunk, added latency, memory under load.

All servers run at the same time and are asked in turn, round by round, so that what else the machine does falls on all alike.
"""

import contextlib
import sys
from collections.abc import Sequence

from load import Load, bodies, load
from processes import Server, served_app
from proxies import UNGUARDED, bare, fairlead, litellm
from rows import Bench, Peer, Row

ROUNDS = 5
SECONDS = 1.5
FEW, MANY = 8, 264
"""Streams of so many chunks; the difference of their cost, divided by the difference of their length, is the cost of one chunk."""
PACED_FEW, PACED_MANY = 8, 72
"""The same for streams whose chunks come 5 ms apart, each alone."""

Loads = dict[tuple[str, str], list[Load]]


def measure(bench: Bench) -> list[Row]:
    """Measure."""
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(served_app("upstream:app"))
        address = f"http://127.0.0.1:{upstream.port}"
        servers = {
            "fairlead": stack.enter_context(fairlead(address)),
            "bare": stack.enter_context(bare(address)),
            "litellm": stack.enter_context(litellm(address, bench.cache)),
            "direct": upstream,
        }
        loads: Loads = {}
        for number in range(ROUNDS):
            _round(servers, number, loads)
        memory = {name: server.rss_mb() for name, server in servers.items()}
    return [*_requests(bench, loads), *_streams(bench, loads), *_latency(bench, loads), _memory(bench, loads, memory)]


def _round(servers: dict[str, Server], number: int, loads: Loads) -> None:
    whole, few, many = bodies("bench"), bodies(f"chunks-{FEW}", stream=True), bodies(f"chunks-{MANY}", stream=True)
    work: Sequence[tuple[str, Sequence[bytes], int]] = (
        ("c1", whole, 1),
        ("c16", whole, 16),
        ("few", few, 4),
        ("many", many, 4),
        ("paced_few", bodies(f"chunks-{PACED_FEW}-5", stream=True), 16),
        ("paced_many", bodies(f"chunks-{PACED_MANY}-5", stream=True), 16),
    )
    for what, requests, connections in work:
        names = list(servers)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            if name == "direct" and what != "c1":
                continue
            got = load(servers[name], requests, connections=connections, seconds=SECONDS)
            loads.setdefault((name, what), []).append(got)
            if got.failed:
                print(f"{name}: {got.failed} of {got.requests} requests ({what}) failed", file=sys.stderr)
            if got.failed and name != "litellm":
                raise RuntimeError(f"{name} did not answer all requests, so its cost is not known")


def _cpu(loads: Loads, name: str, what: str) -> list[float]:
    return [one.cpu_ms for one in loads[name, what]]


def _count(loads: Loads, name: str, what: str) -> int:
    return sum(one.requests for one in loads[name, what])


def _requests(bench: Bench, loads: Loads) -> list[Row]:
    rows = []
    for what in ("c1", "c16"):
        peer = Peer(UNGUARDED, _cpu(loads, "litellm", what))
        n = _count(loads, "fairlead", what)
        rows.append(bench.row(f"cpu_per_request_{what}", "ms", _cpu(loads, "fairlead", what), n=n, target=1.5, peer=peer))
        shares = [own / other for own, other in zip(_cpu(loads, "fairlead", what), peer.values, strict=True)]
        rows.append(bench.row(f"share_of_peer_{what}", "of its CPU", shares, n=n))
        floor, n = _cpu(loads, "bare", what), _count(loads, "bare", what)
        rows.append(bench.row(f"floor_cpu_per_request_{what}", "ms", floor, n=n))
    return rows


def _per_chunk(loads: Loads, name: str, paced: str = "") -> list[float]:
    chunks = PACED_MANY - PACED_FEW if paced else MANY - FEW
    pairs = zip(_cpu(loads, name, f"{paced}few"), _cpu(loads, name, f"{paced}many"), strict=True)
    return [(many - few) / chunks for few, many in pairs]


def _streams(bench: Bench, loads: Loads) -> list[Row]:
    rows = []
    for what, paced, length, target in (("chunk", "", MANY, 0.05), ("paced_chunk", "paced_", PACED_MANY, None)):
        peer = Peer(UNGUARDED, _per_chunk(loads, "litellm", paced))
        n = _count(loads, "fairlead", f"{paced}many") * length
        rows.append(bench.row(f"cpu_per_{what}", "ms", _per_chunk(loads, "fairlead", paced), n=n, target=target, peer=peer))
        n = _count(loads, "bare", f"{paced}many") * length
        rows.append(bench.row(f"floor_cpu_per_{what}", "ms", _per_chunk(loads, "bare", paced), n=n))
    return rows


def _latency(bench: Bench, loads: Loads) -> list[Row]:
    rows = []
    for label, share in (("p50", 0.5), ("p99", 0.99)):
        direct = [one.percentile(share) for one in loads["direct", "c1"]]

        def added(name: str, share: float = share, direct: list[float] = direct) -> list[float]:
            return [one.percentile(share) - plain for one, plain in zip(loads[name, "c1"], direct, strict=True)]

        n = _count(loads, "fairlead", "c1")
        rows.append(bench.row(f"added_{label}_c1", "ms", added("fairlead"), n=n, peer=Peer(UNGUARDED, added("litellm"))))
        rows.append(bench.row(f"floor_added_{label}_c1", "ms", added("bare"), n=_count(loads, "bare", "c1")))
    return rows


def _memory(bench: Bench, loads: Loads, memory: dict[str, float]) -> Row:
    n = sum(one.requests for (name, _), found in loads.items() if name == "fairlead" for one in found)
    return bench.row("rss_after_load", "MB", [memory["fairlead"]], n=n, target=150, peer=Peer(UNGUARDED, [memory["litellm"]]))
