"""Steps 10 and 11: evidence that is checked by another process, then card, readiness and KPIs out of the records."""

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fairlead.cli.loop.model import SYSTEM, TENANT, Row, Stage

if TYPE_CHECKING:
    from fairlead.governance import Kpi

PERIOD_US = 7 * 24 * 3_600_000_000
"""What the KPIs count: the last week."""


def prove(stage: Stage) -> list[Row]:
    """Export the signed evidence and have it verified by a process that opens no store.

    Args:
        stage: What to work with.
    """
    from fairlead.ledger import save_trust_root, write_files

    stage.say("evidence: exported, then verified offline by another process")
    bundle, root = stage.site.folder / "evidence.zip", stage.site.folder / "trust-root.json"
    bundle.unlink(missing_ok=True)
    ledger = stage.plane.ledger
    digest = write_files(bundle, ledger.export(TENANT))
    save_trust_root(root, ledger.trust_root(TENANT, ledger.key))
    checked = subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "-m", "fairlead", "verify", str(bundle), "--trust-root", str(root)], capture_output=True, check=False, text=True
    )
    answer = "verified offline" if checked.returncode == 0 else f"NOT verified (exit code {checked.returncode})"
    entries = len(ledger.entries(TENANT))
    rows = [Row("evidence", f"{entries} signed attestations in {bundle.name}, {digest[:19]}…", answer, checked.returncode == 0)]
    return [*rows, _edited(bundle, root)]


def _edited(bundle: Path, root: Path) -> Row:
    """Change one letter of one record in a copy of the bundle, and see that it is found."""
    from fairlead.ledger import load_trust_root, read_files, verify_files

    files = read_files(bundle)
    name = next(name for name in sorted(files) if name.startswith("records/gate-"))
    changed = files[name].replace(b'"FAIL"', b'"PASS"', 1) if b'"FAIL"' in files[name] else files[name].replace(b"a", b"b", 1)
    found = verify_files({**files, name: changed}, load_trust_root(root)).problems
    named = ", ".join(sorted({problem.kind for problem in found})) or "nothing"
    return Row("", "the same bundle with one word of a gate's answer edited", f"found: {named}", bool(found))


def report(stage: Stage) -> list[Row]:
    """Write the card and the readiness report, and compute the KPIs."""
    from fairlead.core import SystemClock
    from fairlead.governance import Period, build_card, build_readiness, kpis, render_card, render_readiness, tier_of

    stage.plane.look()
    now = SystemClock().now_us()
    period = Period(now - PERIOD_US, now)
    sources, folder = stage.plane.sources, stage.site.folder
    card = build_card(sources, TENANT, SYSTEM, period=period)
    ready = build_readiness(sources, TENANT, SYSTEM, period=period)
    (folder / "card.html").write_text(render_card(card, "html"), encoding="utf-8")
    (folder / "readiness.html").write_text(render_readiness(ready, "html"), encoding="utf-8")
    reasons = "; ".join(ready.reasons) or "every check holds"
    rows = [
        Row("readiness", str(folder / "readiness.html"), f"{ready.answer}: {reasons}"),
        Row("card", str(folder / "card.html"), "from records"),
    ]
    rows += [_kpi_row(kpi) for kpi in kpis(sources, TENANT, SYSTEM, tier=tier_of(card.release), period=period)]
    return rows


def _kpi_row(kpi: "Kpi") -> Row:
    from fairlead.governance import amount, interval

    figure = kpi.figure
    verdict = kpi.verdict.replace("_", " ")
    if not figure.supported:
        return Row(f"KPI {kpi.number}", kpi.name, f"{figure.standing}: {figure.why} ({verdict})")
    return Row(f"KPI {kpi.number}", kpi.name, f"{amount(figure.value, figure.unit)} ({interval(figure)}; n={figure.n}), {verdict}")
