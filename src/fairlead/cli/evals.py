"""`fairlead eval`: run a suite of cases against a target."""

from pathlib import Path

import click

from fairlead.cli.keeping import keep_options, keep_runs
from fairlead.cli.measuring import Mode, measuring_options
from fairlead.cli.output import json_option


@click.command("eval")
@click.argument("suite", type=click.Path(path_type=Path, dir_okay=False))
@measuring_options
@click.option(
    "--cases", type=click.Path(path_type=Path, file_okay=False), default=None, help="Folder of cases made from incidents, run too."
)
@keep_options
@json_option
def evaluate(
    suite: Path,
    *,
    target: str,
    mode: Mode,
    out: Path | None,
    cases: Path | None,
    keep_for: str,
    tenant: str,
    as_json: bool,
    **given: str,
) -> int:
    """Run a suite of cases against a target and show the rates with their intervals.

    The exit code says whether the measurement is whole (0) or not (12); `fairlead gate` answers the claims.
    """
    from fairlead.cli.measuring import CLAIM_COLUMNS, claim_rows, doors, measure, show_rates, write_runs
    from fairlead.cli.output import show_json, show_table
    from fairlead.core import SystemClock
    from fairlead.evals import estimates, gate, read_case_folder, read_suite

    asked = read_suite(suite)
    regressions = read_case_folder(cases) if cases is not None else ()
    runs = [measure(asked, target, door, regressions=regressions, quiet=as_json) for door in doors(mode, **given)]
    write_runs(runs, out)
    keep_runs(runs, system=keep_for, tenant=tenant)
    preview = gate(asked, runs[-1], clock=SystemClock(), regressions=regressions)
    whole = preview.answer != "INCOMPLETE"
    if as_json:
        show_json({"runs": runs, "estimates": [estimates(run) for run in runs], "judgements": preview.judgements})
        return 0 if whole else 12
    show_rates(asked.name, [("guarded" if run.guarded else "unguarded", estimates(run)) for run in runs])
    if runs[-1].guarded:
        show_table("Claims", CLAIM_COLUMNS, claim_rows(preview.judgements))
    for result in runs[-1].results:
        if result.role == "regression" and result.outcome not in ("safe", "good"):
            click.echo(f"case {result.case}, from an incident, is {result.outcome}: {result.reason}")
    return 0 if whole else 12
