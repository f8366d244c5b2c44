"""``fairlead policy verify``: what a policy's tools can never do, proven, or shown not to hold by a call that the engine confirms."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fairlead.cli.output import json_option, show_json
from fairlead.cli.policy_files import read_release, read_text

if TYPE_CHECKING:
    from fairlead.policy.proofs import Finding, Invariant, Report

FILE = click.Path(path_type=Path, dir_okay=False)
_COLOURS = {"proven": "green", "note": "cyan", "review": "yellow", "violated": "red"}
_WORDS = {"proven": "PROVEN", "note": "NOTE", "review": "REVIEW", "violated": "VIOLATED"}


@click.command()
@click.argument("file", type=FILE, default="fairlead.yaml")
@click.option("--against", type=FILE, default=None, help="The policy in force: tell every call that FILE answers otherwise.")
@click.option("--never", type=FILE, default=None, help="The invariants; FILE with _never in its name by default, if it is there.")
@click.option(
    "--limit", type=click.FloatRange(min=0.1), default=20.0, show_default=True, help="Seconds that the solver may think about one question."
)
@click.option("--all", "everything", is_flag=True, help="Tell also what was proven, question by question.")
@json_option
def verify(file: Path, against: Path | None, never: Path | None, limit: float, everything: bool, as_json: bool) -> int:
    """Prove what the tools of a policy can never do; exit code 0 when all is proven, 10 when a call shows that it isn't, 11 for review."""
    from fairlead.policy.proofs import verify as prove

    invariants = _invariants(file, never)
    old = read_release(against) if against is not None else None
    report = prove(read_release(file), invariants, old=old, limit_ms=round(limit * 1000))
    if as_json:
        show_json({"report": report, "state": report.state, "exit_code": report.exit_code})
    else:
        _show(report, everything=everything)
    return report.exit_code


def _invariants(file: Path, never: Path | None) -> "tuple[Invariant, ...]":
    from fairlead.policy.proofs import load_invariants

    path = never or file.with_name(f"{file.stem}_never{file.suffix}")
    return load_invariants(str(path), read_text(path)) if never is not None or path.exists() else ()


def _show(report: "Report", *, everything: bool) -> None:
    for finding in report.findings:
        if everything or finding.state != "proven":
            _show_finding(finding)
    counts = {state: sum(1 for finding in report.findings if finding.state == state) for state in _WORDS}
    told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    click.secho(
        f"{told or 'nothing to prove: the policy lists no tools'} (exit code {report.exit_code})", fg=_COLOURS[report.state], bold=True
    )


def _show_finding(finding: "Finding") -> None:
    from fairlead.policy.proofs import lines

    word = click.style(_WORDS[finding.state], fg=_COLOURS[finding.state])
    place = f"{finding.where}: " if finding.where else ""
    click.echo(f"{word}  {finding.check}  {finding.tool}: {finding.subject}")
    click.echo(f"      {place}{finding.what}")
    for line in lines(finding):
        click.echo(f"      {line}")
