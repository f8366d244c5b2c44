"""How long the gateway takes until it is ready, what that costs, and what it then holds in memory."""

from contextlib import AbstractContextManager

from processes import Server, served_app
from proxies import UNGUARDED, fairlead, litellm
from rows import Bench, Peer, Row

ROUNDS = 5


def measure(bench: Bench) -> list[Row]:
    """Measure; the first start of each is not counted, it fills the page cache."""
    ours: list[tuple[float, float, float]] = []
    theirs: list[tuple[float, float, float]] = []
    with served_app("upstream:app") as upstream:
        address = f"http://127.0.0.1:{upstream.port}"
        for _ in range(ROUNDS + 1):
            ours.append(_start(fairlead(address)))
            theirs.append(_start(litellm(address, bench.cache)))
    rows = []
    for place, (what, unit, target) in enumerate((("ready", "s", None), ("cpu", "s", None), ("rss", "MB", 150.0))):
        peer = Peer(UNGUARDED, [start[place] for start in theirs[1:]])
        rows.append(bench.row(what, unit, [start[place] for start in ours[1:]], n=ROUNDS, target=target, peer=peer))
    return rows


def _start(starting: AbstractContextManager[Server]) -> tuple[float, float, float]:
    with starting as server:
        return server.ready_s, server.cpu_s(), server.rss_mb()
