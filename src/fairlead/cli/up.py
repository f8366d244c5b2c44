"""`fairlead up`: start everything, run the closed loop on the reference assistant, show what it found."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fairlead.cli.loop import Row, Servers, Site, Stage
    from fairlead.wiring.control_plane import ControlPlane


@click.command()
@click.option("--exit", "leave", is_flag=True, help="End after the table, for scripts.")
@click.option(
    "--example",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("examples/support_assistant"),
    show_default=True,
    help="Folder of the reference assistant.",
)
def up(leave: bool, example: Path) -> int:
    """Start gateway and console, run the whole loop on the reference assistant, show what it found.

    With OPENAI_API_KEY set, that real model is guarded and measured instead of the crash-test model. The exit code is 1 when something that
    Fairlead promises did not hold; what the gate answers is a finding and does not change it.
    """
    from fairlead.cli.loop import Servers, Site
    from fairlead.config import load_settings
    from fairlead.wiring.control_plane import build_control_plane

    site = Site(settings=load_settings(), example=example.absolute())
    _prepare(site)
    plane = build_control_plane(site.settings, site.policy)
    with Servers(site.folder / "logs") as servers:
        stage = _start(site, plane, servers)
        rows = _loop(stage)
        _show(site, stage, rows)
        if not leave:
            click.echo("\nEverything keeps running; Ctrl-C stops it.")
            try:
                servers.watch()
            except KeyboardInterrupt:
                click.echo("stopping")
    return 0 if all(row.ok for row in rows) else 1


def _prepare(site: "Site") -> None:
    """Write the policy that will be served: the example's, with the model that is really asked."""
    from fairlead.cli.loop import working_copy

    key = "env:OPENAI_API_KEY" if site.real else ""
    working_copy(site.example / "fairlead.yaml", site.folder, base_url=site.model_url, model=site.model, key=key)


def _start(site: "Site", plane: "ControlPlane", servers: "Servers") -> "Stage":
    from fairlead.cli.loop import TENANT, WORKERS, Stage, welcome

    people = welcome(plane.identity)
    settings = site.settings
    if not site.real:
        _say("start: crash-test model (says nothing about how a real model behaves)")
        words = ["crash-model", "--host", settings.host, "--port", str(settings.crash_model_port)]
        servers.start("crash-model", words, f"{site.address(settings.crash_model_port)}/healthz")
    release = plane.put_policy_in_force(tenant=TENANT, by=people.commander.id)
    _say(f"start: gateway with {WORKERS} workers, release {release[:19]}…")
    words = [
        "gateway",
        "--policy",
        str(site.policy),
        "--host",
        settings.host,
        "--port",
        str(settings.gateway_port),
        "--workers",
        str(WORKERS),
    ]
    servers.start("gateway", words, f"{site.address(settings.gateway_port)}/readyz")
    _say("start: console")
    console = site.address(settings.console_port)
    servers.start("console", ["console", "--host", settings.host, "--port", str(settings.console_port)], console)
    return Stage(site, plane, people, _say)


def _loop(stage: "Stage") -> "list[Row]":
    from fairlead.cli.loop import attack, evaluate, gate, plant, prove, regate, report, respond

    measured, rows = evaluate(stage)
    rows += attack(stage)
    rows += gate(stage, measured)
    rows += plant(stage, measured)
    rows += respond(stage)
    rows += regate(stage, measured.suite)
    rows += prove(stage)
    rows += report(stage)
    return rows


def _show(site: "Site", stage: "Stage", rows: "Sequence[Row]") -> None:
    from fairlead.cli.output import show_table

    click.echo()
    model = site.model if site.real else "the crash-test model: the worst case for tool paths, no statement about a real model"
    title = f"What the loop found (model: {model}; rates with 95 % Wilson intervals, unguarded -> guarded)"
    show_table(title, ("step", "what", "found"), [(row.step, row.what, row.found) for row in rows])
    for row in rows:
        if not row.ok:
            click.secho(f"did not hold: {row.what}: {row.found}", fg="red")
    click.echo(f"gateway   {site.gateway_url}")
    click.echo(f"console   {site.address(site.settings.console_port)}")
    for login, password in stage.people.passwords:
        click.echo(f"          tenant demo, login {login}, password {password}")
    click.echo(f"files     {site.folder}")


def _say(text: str) -> None:
    click.echo(click.style("> ", fg="cyan") + text, err=True)
