"""`fairlead incident`: list, show, contain, release, turn into a case, close."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from fairlead.cli.output import json_option, show_json, show_table

if TYPE_CHECKING:
    from fairlead.guard import LeverKind
    from fairlead.identity import Actor, Identity
    from fairlead.incidents import Containment, Incident, IncidentDesk, IncidentFile

TENANT_OPTION = click.option("--tenant", default="default", show_default=True, help="Whose incidents.")
LOGIN_OPTION = click.option("--as", "login", required=True, help="Login of your account; what is done is recorded under it.")
PASSWORD_OPTION = click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="File with your password; it is asked for otherwise.",
)
REASON_OPTION = click.option("--reason", required=True, help="Why, in one line without content of an Interaction.")


class Room(Protocol):
    """What these commands need of the control plane."""

    @property
    def identity(self) -> "Identity":
        """Who is who."""

    @property
    def desk(self) -> "IncidentDesk":
        """What people do with incidents."""

    def look(self) -> "tuple[Incident, ...]":
        """Take over what the journals hold; returns the incidents that are new."""


@click.group()
def incident() -> None:
    """Open, contain, turn into a case, close."""


@incident.command("list")
@TENANT_OPTION
@click.option("--status", type=click.Choice(["open", "contained", "resolved", "closed"]), default=None, help="Only these.")
@json_option
@click.pass_context
def list_command(ctx: click.Context, tenant: str, status: str | None, as_json: bool) -> None:
    """List incidents, newest first; Decisions that were made meanwhile are looked at before."""
    room = _room(ctx)
    room.look()
    found = [each for each in room.desk.incidents(tenant) if status in (None, each.status)]
    if as_json:
        show_json({"incidents": found})
        return
    rows = [(each.id, each.severity, each.status, _when(each.opened_us), each.system, each.title, str(each.seen)) for each in found]
    show_table("incidents", ("id", "severity", "status", "opened", "system", "what", "seen"), rows)


@incident.command()
@click.argument("incident_id")
@TENANT_OPTION
@json_option
@click.pass_context
def show(ctx: click.Context, incident_id: str, tenant: str, as_json: bool) -> None:
    """Show an incident, its timeline, its levers and what the workers did."""
    room = _room(ctx)
    room.look()
    file = room.desk.open(tenant, incident_id)
    if as_json:
        show_json(file)
        return
    _show_head(file)
    rows = [(_when(line.at_us), line.kind.replace("_", " "), line.actor, line.text) for line in file.events]
    show_table("timeline", ("when", "event", "who", "what"), rows)
    for line in file.events:
        if line.containment is not None:
            _show_probes(line.containment)
    show_table("levers pulled now", ("id", "kind", "target", "by"), [(each.id, each.kind, each.target, each.by) for each in file.levers])


@incident.command()
@click.argument("incident_id")
@click.option("--tool", default=None, help="Switch this tool off.")
@click.option("--model", default=None, help="Switch this model off.")
@click.option("--system", default=None, help="Switch this system off.")
@click.option("--memory", default=None, help="Read no more what this Trajectory wrote into memory or handed on.")
@click.option("--source", default=None, help="Withhold retrieved documents of this source.")
@click.option("--whole-tenant", is_flag=True, help="Switch everything of the tenant off.")
@REASON_OPTION
@LOGIN_OPTION
@PASSWORD_OPTION
@TENANT_OPTION
@json_option
@click.pass_context
def contain(
    ctx: click.Context,
    incident_id: str,
    *,
    tool: str | None,
    model: str | None,
    system: str | None,
    memory: str | None,
    source: str | None,
    whole_tenant: bool,
    reason: str,
    login: str,
    password_file: Path | None,
    tenant: str,
    as_json: bool,
) -> None:
    """Pull a lever and prove it by a real request through each gateway worker (exit code 12 when one does not obey)."""
    from fairlead.incidents import ContainmentUnproven

    lever = _lever(tool=tool, model=model, system=system, memory=memory, source=source, tenant=tenant if whole_tenant else None)
    room = _room(ctx)
    containment = room.desk.contain(tenant, incident_id, lever, actor=_actor(room, tenant, login, password_file), reason=reason)
    if as_json:
        show_json({"incident": incident_id, "effective": containment.effective, "containment": containment})
    else:
        _show_probes(containment)
    if not containment.effective:
        failing = ", ".join(containment.failing) or "no worker is alive"
        raise ContainmentUnproven(
            f"the lever {containment.lever.id} is pulled, and not every worker was seen to obey: {failing}",
            where=incident_id,
            mend="see to the named worker, then run the same command again: it probes once more",
        )
    if not as_json:
        click.secho(f"contained: {len(containment.probes)} of {len(containment.probes)} live workers obey", fg="green")


@incident.command()
@click.argument("incident_id")
@click.argument("lever_id")
@REASON_OPTION
@LOGIN_OPTION
@PASSWORD_OPTION
@TENANT_OPTION
@json_option
@click.pass_context
def release(
    ctx: click.Context, incident_id: str, *, lever_id: str, reason: str, login: str, password_file: Path | None, tenant: str, as_json: bool
) -> None:
    """Release a lever; it takes another person than the one who pulled it."""
    room = _room(ctx)
    actor = _actor(room, tenant, login, password_file)
    _done(room.desk.release(tenant, incident_id, lever_id, actor=actor, reason=reason), as_json)


@incident.command("to-case")
@click.argument("incident_id")
@REASON_OPTION
@LOGIN_OPTION
@PASSWORD_OPTION
@TENANT_OPTION
@json_option
@click.pass_context
def to_case(
    ctx: click.Context, incident_id: str, *, reason: str, login: str, password_file: Path | None, tenant: str, as_json: bool
) -> None:
    """Turn the sealed capture behind an incident into a regression case, without showing it."""
    room = _room(ctx)
    made = room.desk.to_case(tenant, incident_id, actor=_actor(room, tenant, login, password_file), reason=reason)
    if as_json:
        show_json(made)
        return
    click.echo(f"{made.case} ({made.hazard}, {made.origin}) is in the folder of regression cases; the gate includes it from now on")


@incident.command()
@click.argument("incident_id")
@REASON_OPTION
@LOGIN_OPTION
@PASSWORD_OPTION
@TENANT_OPTION
@json_option
@click.pass_context
def close(ctx: click.Context, incident_id: str, *, reason: str, login: str, password_file: Path | None, tenant: str, as_json: bool) -> None:
    """Close an incident that has no lever pulled any more."""
    room = _room(ctx)
    _done(room.desk.close(tenant, incident_id, actor=_actor(room, tenant, login, password_file), reason=reason), as_json)


def _room(ctx: click.Context) -> Room:
    """Return the control plane; a test hands one in as the context's object."""
    if ctx.obj is None:
        from fairlead.config import load_settings
        from fairlead.wiring.control_plane import build_control_plane

        ctx.obj = build_control_plane(load_settings())
    room: Room = ctx.obj
    return room


def _actor(room: Room, tenant: str, login: str, password_file: Path | None) -> "Actor":
    """Return who acts, once they have shown that they know their password."""
    from fairlead.identity import Actor

    if password_file is None:
        password = str(click.prompt("Password", hide_input=True, err=True))
    else:
        password = password_file.read_text(encoding="utf-8").rstrip("\n")
    opened = room.identity.login(tenant, login, password)
    room.identity.logout(opened.token)
    return Actor.of(opened.session.account)


def _lever(**named: str | None) -> "tuple[LeverKind, str]":
    from fairlead.core import UsageError

    kinds: tuple[LeverKind, ...] = ("tool", "model", "system", "memory", "source", "tenant")
    given = [(kind, target) for kind in kinds if (target := named[kind])]
    if len(given) != 1:
        raise UsageError("one lever is pulled at a time", mend="give one of --tool, --model, --system, --memory, --source, --whole-tenant")
    return given[0]


def _show_head(file: "IncidentFile") -> None:
    found = file.incident
    click.secho(f"{found.id}  {found.severity}  {found.status}", bold=True)
    click.echo(found.title)
    click.echo(f"system {found.system}, owner {found.owner}, next step due {_when(found.due_us)}, seen {found.seen} time(s)")
    contained = "not contained" if found.contain_us is None else f"contained after {found.contain_us / 1e6:.1f} s"
    click.echo(f"detected after {found.detect_us / 1e6:.1f} s, {contained}")


def _show_probes(containment: "Containment") -> None:
    title = f"probes of {containment.lever.kind} {containment.lever.target}"
    rows = [
        (probe.worker, "obeys" if probe.effective else "DOES NOT OBEY", f"{probe.took_ms:.1f}", probe.exchange, probe.problem)
        for probe in containment.probes
    ]
    show_table(title, ("worker", "result", "ms", "exchange", "problem"), rows)


def _done(found: "Incident", as_json: bool) -> None:
    if as_json:
        show_json(found)
    else:
        click.echo(f"{found.id} is {found.status}")


def _when(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S")
