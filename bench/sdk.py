"""What a check in one's own process costs: CPU of ``Guard.check`` of 500 characters under a policy of all patterns, journal included."""

import tempfile
import time
from pathlib import Path

from rows import Bench, Row
from texts import prose

from fairlead import Guard
from fairlead.config import load_settings

ROUNDS = 7
CHECKS = 400
TEXTS = tuple(prose(500, seed=seed) for seed in range(32))
POLICY = """\
fairlead: 1
system: bench
owner: bench
tier: limited
audit: {audit}
rules:
  - {{id: no-secrets, at: [input, output], entity: secret, do: block}}
  - {{id: no-personal-data, at: [input, output], entity: pii, do: redact}}
"""


def measure(bench: Bench) -> list[Row]:
    """Measure with a journal that waits for the disk, and with one that doesn't."""
    return [
        bench.row("check_500_relaxed", "ms", _checks("relaxed"), n=ROUNDS * CHECKS, target=0.10),
        bench.row("check_500_strict", "ms", _checks("strict"), n=ROUNDS * CHECKS),
    ]


def _checks(audit: str) -> list[float]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "fairlead.yaml").write_text(POLICY.format(audit=audit), encoding="utf-8")
        settings = load_settings({"FAIRLEAD_DATA": str(home / "data"), "FAIRLEAD_CONFIG": str(home / "config")})
        with Guard.load(home / "fairlead.yaml", settings=settings) as guard:
            _round(guard)
            return [_round(guard) for _ in range(ROUNDS)]


def _round(guard: Guard) -> float:
    """Return CPU ms per check, all threads of the process."""
    start = time.process_time()
    for number in range(CHECKS):
        guard.check(TEXTS[number % len(TEXTS)], "output")
    return (time.process_time() - start) * 1000 / CHECKS
