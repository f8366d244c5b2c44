"""`fairlead card`, `fairlead readiness` and `fairlead kpi`: computed from records when they are asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

import click

from fairlead.cli.output import json_option, show_json, show_table

if TYPE_CHECKING:
    from fairlead.core import Clock
    from fairlead.governance import Form, Kpi, Period, Readiness, Sources
    from fairlead.incidents import Incident

F = TypeVar("F", bound=Callable[..., object])

NO_GO = 10
"""Exit code of a readiness report that says no; the same as a gate that fails."""
_DAY_US = 86_400_000_000
_FILE = click.Path(dir_okay=False, path_type=Path)


class Room(Protocol):
    """What these commands need of the control plane."""

    @property
    def clock(self) -> "Clock":
        """What time it is."""

    @property
    def sources(self) -> "Sources":
        """What every figure is computed from."""

    def look(self) -> "tuple[Incident, ...]":
        """Take over what the journals hold."""


class Asked(NamedTuple):
    """Whose System, over which time, from which records."""

    sources: "Sources"
    tenant: str
    system: str
    period: "Period"


def _options(command: F) -> F:
    options = (
        click.option("--system", default="", help="Name of the System; may be left out when the tenant has one."),
        click.option("--tenant", default="default", show_default=True, help="Whose System."),
        click.option("--days", type=click.IntRange(1, 3660), default=30, show_default=True, help="How far back is counted."),
        click.option("--html", type=_FILE, default=None, help="Write the page to this file."),
        click.option("--md", type=_FILE, default=None, help="Write it as Markdown to this file."),
        json_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@_options
@click.pass_context
def card(ctx: click.Context, *, system: str, tenant: str, days: int, html: Path | None, md: Path | None, as_json: bool) -> None:
    """Write the system card from records; a figure whose record is gone, changed, unsigned or too old shows no number."""
    from fairlead.governance import build_card, render_card

    asked = _ask(ctx, tenant, system, days=days)
    made = build_card(asked.sources, asked.tenant, asked.system, period=asked.period)
    pages = {html: lambda: render_card(made, "html"), md: lambda: render_card(made, "md")}
    if as_json:
        show_json(made)
    _write(pages, quiet=as_json)
    if not as_json and html is None and md is None:
        click.echo(render_card(made, "md"))
    if not as_json and made.unsupported:
        click.secho(f"{made.unsupported} of {made.figures} figures are not supported", fg="red", err=True)


@click.command()
@_options
@click.pass_context
def readiness(ctx: click.Context, *, system: str, tenant: str, days: int, html: Path | None, md: Path | None, as_json: bool) -> int:
    """Write the one-page go / no-go report from records: exit code 0 for GO, 10 for NO-GO."""
    from fairlead.governance import build_readiness, render_readiness

    asked = _ask(ctx, tenant, system, days=days)
    report = build_readiness(asked.sources, asked.tenant, asked.system, period=asked.period)
    if as_json:
        show_json(report)
    _write({html: lambda: render_readiness(report, "html"), md: lambda: render_readiness(report, "md")}, quiet=as_json)
    if not as_json:
        _show_readiness(report)
    return 0 if report.answer == "GO" else NO_GO


@click.command()
@_options
@click.pass_context
def kpi(ctx: click.Context, *, system: str, tenant: str, days: int, html: Path | None, md: Path | None, as_json: bool) -> None:
    """Show the KPIs, computed live."""
    from fairlead.governance import kpis, release_in_force, render_kpis, tier_of

    asked = _ask(ctx, tenant, system, days=days)
    release, _ = release_in_force(asked.sources, asked.tenant, asked.system, now_us=asked.period.until_us)
    computed = kpis(asked.sources, asked.tenant, asked.system, tier=tier_of(release), period=asked.period)
    if as_json:
        show_json({"tenant": asked.tenant, "system": asked.system, "period": asked.period, "kpis": computed})

    def page(form: "Form") -> str:
        return render_kpis(computed, system=asked.system, period=asked.period, form=form)

    _write({html: lambda: page("html"), md: lambda: page("md")}, quiet=as_json)
    if not as_json:
        _show_kpis(f"KPIs of {asked.system}, last {days} days", computed)


def _show_readiness(report: "Readiness") -> None:
    order = {"fail": "stops", "note": "look", "pass": "holds"}
    rows = [(word, check.title, check.reason) for state, word in order.items() for check in report.checks if check.state == state]
    show_table(f"readiness of {report.system} (tier {report.tier})", ("", "check", "reason"), rows)
    click.secho(report.answer, fg="green" if report.answer == "GO" else "red", bold=True)


def _show_kpis(title: str, computed: "tuple[Kpi, ...]") -> None:
    from fairlead.governance import amount, counts, interval

    rows = []
    for each in computed:
        figure = each.figure
        if figure.supported:
            value, where = amount(figure.value, figure.unit), f"{interval(figure)} ({counts(figure)})"
        else:
            value, where = "not supported", figure.why
        target = each.target.text if each.target else "none yet"
        rows.append((str(each.number), each.name, value, where, target, each.verdict.replace("_", " ")))
    show_table(title, ("KPI", "what", "now", "interval", "target", "answer"), rows)


def _write(pages: "dict[Path | None, Callable[[], str]]", *, quiet: bool) -> None:
    for path, render in pages.items():
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(render(), encoding="utf-8")
            if not quiet:
                click.echo(str(path))


def _ask(ctx: click.Context, tenant: str, system: str, *, days: int) -> Asked:
    """Take over what the journals hold, and find the System that is meant."""
    from fairlead.core import UsageError
    from fairlead.governance import Period

    room = _room(ctx)
    room.look()
    now_us = room.clock.now_us()
    known = room.sources.evidence.systems(tenant)
    if not system and len(known) != 1:
        names = ", ".join(known) or "none has a Release in force"
        raise UsageError("which System is meant?", where=f"tenant {tenant}", mend=f"give --system; known: {names}")
    return Asked(room.sources, tenant, system or known[0], Period(now_us - days * _DAY_US, now_us))


def _room(ctx: click.Context) -> Room:
    """Return the control plane; a test hands one in as the context's object."""
    if ctx.obj is None:
        from fairlead.config import load_settings
        from fairlead.wiring.control_plane import build_control_plane

        ctx.obj = build_control_plane(load_settings())
    room: Room = ctx.obj
    return room
