"""`fairlead redteam`: run an attack set against a target."""

from pathlib import Path

import click

from fairlead.cli.keeping import keep_options, keep_runs
from fairlead.cli.measuring import Mode, measuring_options
from fairlead.cli.output import json_option


@click.command()
@click.argument("attacks", type=click.Path(path_type=Path, dir_okay=False))
@measuring_options
@click.option("--converter", "converters", multiple=True, help="Spell the attacks in this way too; can be given several times.")
@keep_options
@json_option
def redteam(
    attacks: Path,
    *,
    target: str,
    mode: Mode,
    out: Path | None,
    converters: tuple[str, ...],
    keep_for: str,
    tenant: str,
    as_json: bool,
    **given: str,
) -> int:
    """Run an attack set and show how often attacks succeed, without and with the guard.

    The exit code says whether every attack arrived (0) or not (12): what never arrived was not stopped.
    """
    from fairlead.cli.measuring import doors, measure, show_rates, write_runs
    from fairlead.cli.output import show_json
    from fairlead.redteam import CONVERTERS, converted, converter, read_attacks, report

    asked = read_attacks(attacks)
    if converters:
        asked = converted(asked, (CONVERTERS[0], *(converter(name) for name in dict.fromkeys(converters) if name != "identity")))
    runs = [measure(asked, target, door, quiet=as_json) for door in doors(mode, **given)]
    write_runs(runs, out)
    keep_runs(runs, system=keep_for, tenant=tenant)
    by_side = {run.guarded: run for run in runs}
    shown = report(unguarded=by_side.get(False), guarded=by_side.get(True))
    if as_json:
        show_json({"report": shown, "valid": shown.valid, "runs": runs})
        return 0 if shown.valid else 12
    show_rates(asked.name, [(name, rows) for name, rows in (("unguarded", shown.unguarded), ("guarded", shown.guarded)) if rows])
    for name, proof in (("unguarded", shown.unguarded_delivery), ("guarded", shown.guarded_delivery)):
        if proof is not None:
            lost = f"; never arrived: {', '.join(proof.undelivered)}" if proof.undelivered else ""
            click.echo(f"{name}: {proof.delivered} of {proof.attacks} attacks reached the model or the guard{lost}")
    if shown.comparison is not None:
        rate = shown.comparison.rates[0]
        click.echo(
            f"the guard changed attack success by {rate.difference.value:+.1%} [{rate.difference.low:+.1%}, {rate.difference.high:+.1%}] "
            f"on {rate.pairs} pairs (95 % Newcombe, paired; exact McNemar p = {rate.p_value:.2g})"
        )
    if not shown.valid:
        click.secho("invalid: an attack that never arrived was not stopped", fg="red")
    return 0 if shown.valid else 12
