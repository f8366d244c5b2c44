"""`fairlead approval`: list the tool calls that wait for a person; grant or refuse one."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from fairlead.cli.output import json_option, show_json, show_table

if TYPE_CHECKING:
    from fairlead.agents import ApprovalDesk, ApprovalLoad, KeptApproval, Scope
    from fairlead.core import Clock
    from fairlead.identity import Account, Identity
    from fairlead.statistics import Estimate

DAY_US = 86_400_000_000
TENANT_OPTION = click.option("--tenant", default="default", show_default=True, help="Whose tool calls.")
LOGIN_OPTION = click.option("--as", "login", required=True, help="Login of your account; the answer is recorded under it.")
PASSWORD_OPTION = click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="File with your password; it is asked for otherwise.",
)
REASON_OPTION = click.option("--reason", default="", help="Why, in one line without content of an Interaction.")


class Room(Protocol):
    """What these commands need of the control plane."""

    @property
    def identity(self) -> "Identity":
        """Who is who."""

    @property
    def approvals(self) -> "ApprovalDesk":
        """What people do with approvals."""

    @property
    def clock(self) -> "Clock":
        """Where time comes from."""

    def approval_load(self, tenant: str, *, since_us: int, until_us: int) -> "ApprovalLoad":
        """Return how much work approvals made in a period."""


@click.group()
def approval() -> None:
    """List, grant and refuse tool calls that wait for a person."""


@approval.command("list")
@TENANT_OPTION
@json_option
@click.pass_context
def list_command(ctx: click.Context, tenant: str, as_json: bool) -> None:
    """List tool calls that wait, and answers that were not used yet; values of arguments are not kept and not shown."""
    found = _room(ctx).approvals.approvals(tenant)
    if as_json:
        show_json({"approvals": found})
        return
    rows = [
        (
            each.id,
            each.state,
            each.system,
            each.tool,
            _arguments(each),
            ", ".join(each.sources),
            ", ".join(each.unmet),
            _when(each.expires_us),
        )
        for each in found
    ]
    show_table("approvals", ("id", "state", "system", "tool", "arguments", "stand in", "not met", "until"), rows)


@approval.command()
@click.option("--days", type=click.IntRange(1, 3650), default=30, show_default=True, help="How far back to count.")
@TENANT_OPTION
@json_option
@click.pass_context
def stats(ctx: click.Context, days: int, tenant: str, as_json: bool) -> None:
    """Show how often people are asked, about what, how they answer and how long it takes them; from records."""
    room = _room(ctx)
    now_us = room.clock.now_us()
    load = room.approval_load(tenant, since_us=now_us - days * DAY_US, until_us=now_us)
    if as_json:
        show_json(load)
        return
    show_table(f"approvals of the last {days} days", ("figure", "value"), _figures(load))


@approval.command()
@click.argument("approval_id")
@click.option("--values", "scope", flag_value="values", help="Vouch for its values too: the same arguments may have them again.")
@click.option("--fields", "scope", flag_value="fields", help="Vouch for all values of the same field of the same results too.")
@click.option("--sources", "scope", flag_value="sources", help="Vouch for the texts too in which its untrusted values stand.")
@REASON_OPTION
@LOGIN_OPTION
@PASSWORD_OPTION
@TENANT_OPTION
@json_option
@click.pass_context
def grant(
    ctx: click.Context,
    approval_id: str,
    *,
    scope: "Scope | None",
    reason: str,
    login: str,
    password_file: Path | None,
    tenant: str,
    as_json: bool,
) -> None:
    """Let exactly this call through, once, within a quarter of an hour; what is vouched for holds in the rest of its Trajectory."""
    room = _room(ctx)
    by = account_of(room, tenant, login, password_file)
    _done(room.approvals.answer(tenant, approval_id, by=by, granted=True, scope=scope or "call", reason=reason), as_json)


@approval.command()
@click.argument("approval_id")
@REASON_OPTION
@LOGIN_OPTION
@PASSWORD_OPTION
@TENANT_OPTION
@json_option
@click.pass_context
def refuse(
    ctx: click.Context, approval_id: str, *, reason: str, login: str, password_file: Path | None, tenant: str, as_json: bool
) -> None:
    """Block exactly this call; for a quarter of an hour it can't be asked for again."""
    room = _room(ctx)
    by = account_of(room, tenant, login, password_file)
    _done(room.approvals.answer(tenant, approval_id, by=by, granted=False, reason=reason), as_json)


def _room(ctx: click.Context) -> Room:
    """Return the control plane; a test hands one in as the context's object."""
    if ctx.obj is None:
        from fairlead.config import load_settings
        from fairlead.wiring.control_plane import build_control_plane

        ctx.obj = build_control_plane(load_settings())
    room: Room = ctx.obj
    return room


def account_of(room: Room, tenant: str, login: str, password_file: Path | None) -> "Account":
    """Return who answers, once they have shown that they know their password."""
    if password_file is None:
        password = str(click.prompt("Password", hide_input=True, err=True))
    else:
        password = password_file.read_text(encoding="utf-8").rstrip("\n")
    opened = room.identity.login(tenant, login, password)
    room.identity.logout(opened.token)
    return opened.session.account


def _done(answered: "KeptApproval", as_json: bool) -> None:
    if as_json:
        show_json(answered)
    else:
        click.echo(f"{answered.id} is {answered.state} until {_when(answered.expires_us)}")


def _arguments(kept: "KeptApproval") -> str:
    told = [f"{name} ({', '.join(labels)})" for name, labels in kept.origins]
    return ", ".join([*told, f"{kept.others} more"] if kept.others else told)


def _figures(load: "ApprovalLoad") -> list[tuple[str, str]]:
    def rate(estimate: "Estimate | None") -> str:
        return "no data" if estimate is None else estimate.text()

    def time(us: int | None) -> str:
        return "no data" if us is None else f"{us / 1e6:.0f} s (n = {load.answered})"

    return [
        ("tool calls", str(load.calls)),
        ("asked", str(load.asked)),
        ("asked among tool calls", rate(load.per_call)),
        ("with untrusted values", rate(load.untrusted)),
        ("let through, of those answered", rate(load.overridden)),
        ("not answered", rate(load.unanswered)),
        ("time to decide, median", time(load.median_us)),
        ("time to decide, 90%", time(load.p90_us)),
    ]


def _when(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S")
