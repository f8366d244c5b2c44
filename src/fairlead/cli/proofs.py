"""``fairlead policy verify``: what a policy's tools can never do, proven, or shown not to hold by a call that the engine confirms."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fairlead.cli.output import json_option, show_json
from fairlead.cli.policy_files import read_release, read_text, write_text

if TYPE_CHECKING:
    from fairlead.policy import PolicyCase, Release
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
@click.option(
    "--save", type=FILE, default=None, help="Add every witness that one call can show to this file of tests; they say what should be."
)
@click.option("--sarif", "sarif_file", type=FILE, default=None, help="Write SARIF 2.1.0 to this file.")
@click.option("--markdown", "markdown_file", type=FILE, default=None, help="Write a comment for a review to this file.")
@click.option("--all", "everything", is_flag=True, help="Tell also what was proven, question by question.")
@json_option
def verify(
    file: Path,
    *,
    against: Path | None,
    never: Path | None,
    limit: float,
    save: Path | None,
    sarif_file: Path | None,
    markdown_file: Path | None,
    everything: bool,
    as_json: bool,
) -> int:
    """Prove what the tools of a policy can never do; exit code 0 when all is proven, 10 when a call shows that it isn't, 11 for review."""
    from fairlead import __version__
    from fairlead.policy.proofs import markdown, sarif
    from fairlead.policy.proofs import verify as prove

    invariants = _invariants(file, never)
    release, old = read_release(file), read_release(against) if against is not None else None
    report = prove(release, invariants, old=old, limit_ms=round(limit * 1000))
    if sarif_file is not None:
        write_text(sarif_file, json.dumps(sarif(report, __version__), indent=1) + "\n")
    if markdown_file is not None:
        write_text(markdown_file, markdown(report))
    saved = _save(save, report, release, old) if save is not None else ""
    if as_json:
        show_json({"report": report, "state": report.state, "exit_code": report.exit_code})
    else:
        _show(report, everything=everything)
        click.echo(saved, nl=bool(saved))
    return report.exit_code


def _save(file: Path, report: "Report", release: "Release", old: "Release | None") -> str:
    """Add witnesses to a file of tests; return what to say of it."""
    import yaml

    from fairlead.policy import load_cases

    there = read_text(file) if file.exists() else ""
    known = {case.name for case, _ in load_cases(str(file), there)} if there else set()
    shown = [finding for finding in report.findings if finding.witness is not None]
    cases = [case for finding in shown if (case := _case(finding, release, old)) is not None]
    new = {case.name: case.model_dump(mode="json", exclude_none=True) for case in cases if case.name not in known}
    if new:
        added = yaml.safe_dump([*new.values()], default_flow_style=None, sort_keys=False, allow_unicode=True, width=140)
        write_text(file, f"{there.rstrip()}\n{added}" if there else added)
    left = len(shown) - len(cases)
    more = f"; {left} can't be shown by one call after plain texts (they need a Trajectory)" if left else ""
    return f"{len(new)} tests added to {file}{more}"


def _case(finding: "Finding", release: "Release", old: "Release | None") -> "PolicyCase | None":
    from fairlead.agents.witness import case_of

    witness = finding.witness
    if witness is None:
        return None
    answers = [(release, witness.outcome)]
    if finding.check == "diff" and old is not None and witness.before is not None:
        answers.append((old, witness.before))
    return case_of(finding, answers)


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
