"""`fairlead gate`: the exit code is the answer."""

from pathlib import Path

import click

from fairlead.cli.keeping import keep_gate, keep_options
from fairlead.cli.output import json_option

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("run", type=_FILE)
@click.option("--suite", required=True, type=_FILE, help="The suite whose claims are answered.")
@click.option("--baseline", type=_FILE, default=None, help="A run of the same cases to compare with.")
@click.option("--varied", default="policy", show_default=True, help="The one factor in which the baseline may differ.")
@click.option("--cases", type=click.Path(path_type=Path, file_okay=False), default=None, help="Folder of cases made from incidents.")
@click.option("--junit", type=_FILE, default=None, help="Write JUnit XML to this file.")
@keep_options
@json_option
def gate(
    run: Path,
    *,
    suite: Path,
    baseline: Path | None,
    varied: str,
    cases: Path | None,
    junit: Path | None,
    keep_for: str,
    tenant: str,
    as_json: bool,
) -> int:
    """Answer a suite's claims over a run: 0 PASS, 10 FAIL, 11 INCONCLUSIVE, 12 incomplete, 14 incomparable."""
    from fairlead.cli.measuring import CLAIM_COLUMNS, claim_rows, read_run
    from fairlead.cli.output import show_json, show_table
    from fairlead.core import SystemClock, UsageError
    from fairlead.evals import FACTORS, junit_xml, read_case_folder, read_suite
    from fairlead.evals import gate as ask

    factor = next((known for known in FACTORS if known == varied), None)
    if factor is None:
        mend = f"choose one of {', '.join(FACTORS)}"
        raise UsageError(f"'{varied}' is no factor that a comparison can be about", where="--varied", mend=mend)
    result = ask(
        read_suite(suite),
        read_run(run),
        clock=SystemClock(),
        regressions=read_case_folder(cases) if cases is not None else (),
        baseline=read_run(baseline) if baseline is not None else None,
        varied=factor,
    )
    keep_gate(result, system=keep_for, tenant=tenant)
    if junit is not None:
        junit.parent.mkdir(parents=True, exist_ok=True)
        junit.write_text(junit_xml(result), encoding="utf-8")
    if as_json:
        show_json({"gate": result, "exit_code": result.exit_code, "digest": result.digest})
        return result.exit_code
    show_table(f"{result.suite}: claims over {result.run}", CLAIM_COLUMNS, claim_rows(result.judgements))
    for reason in result.reasons:
        if not reason.startswith("claim "):
            click.echo(reason)
    if result.comparison is not None:
        for change in result.comparison.overblocked:
            click.echo(f"case {change.case} ({change.hazard}) was {change.was} in the baseline and is over-blocked now")
    colour = {"PASS": "green", "INCONCLUSIVE": "yellow"}.get(result.answer, "red")
    click.secho(f"{result.answer} (exit code {result.exit_code})", fg=colour, bold=True)
    return result.exit_code
