"""Five minutes under load without a pause: whether memory, latency or answers get worse with time. Whole answers and streams by turns."""

from load import Load, bodies, load
from processes import served_app
from proxies import fairlead
from rows import Bench, Row

TURNS = 12
SECONDS = 20.0
"""Each turn is measured for so long, after a quarter as long to warm up: five minutes in all."""
CHUNKS = 32
CONNECTIONS = 16


def measure(bench: Bench) -> list[Row]:
    """Measure."""
    whole, streamed = bodies("bench"), bodies(f"chunks-{CHUNKS}", stream=True)
    loads: list[Load] = []
    memory: list[float] = []
    with served_app("upstream:app") as upstream, fairlead(f"http://127.0.0.1:{upstream.port}") as server:
        for turn in range(TURNS):
            loads.append(load(server, streamed if turn % 2 else whole, connections=CONNECTIONS, seconds=SECONDS))
            memory.append(server.rss_mb())
    n = sum(one.requests for one in loads)
    half = memory[TURNS // 2 - 1]
    # Whole answers against whole answers, streams against streams: the first of each against the last of each.
    slower = [loads[last].percentile(0.99) / loads[first].percentile(0.99) for first, last in ((0, TURNS - 2), (1, TURNS - 1))]
    return [
        bench.row("failed", "requests", [sum(one.failed for one in loads)], n=n, target=0),
        bench.row("rss_at_end", "MB", [memory[-1]], n=n, target=120),
        bench.row("rss_growth_last_half", "%", [100 * (memory[-1] - half) / half], n=n, target=1),
        bench.row("p99_last_by_first", "ratio", slower, n=n),
    ]
