"""``fairlead policy shadow`` and ``fairlead policy canary``: try a policy before it counts."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fairlead.cli.output import json_option, show_json, show_table

if TYPE_CHECKING:
    from fairlead.releases import ShadowReport
    from fairlead.wiring.trial_desk import TrialDesk
    from fairlead.wiring.trials import Kind, Trial

FILE = click.Path(path_type=Path, dir_okay=False)
POLICY_OPTION = click.option("--policy", "file", type=FILE, default="fairlead.yaml", show_default=True, help="The live policy file.")


def _share(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """Read a percentage such as ``10%``, above 0 and up to 100."""
    if value is None:
        return None
    try:
        share = float(value.strip().removesuffix("%")) / 100
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise click.BadParameter("give a percentage such as 10%", ctx, param)
    return share


@click.group()
def shadow() -> None:
    """Have a candidate decide beside the live policy, enforcing nothing, and compare the two."""


@shadow.command("start")
@click.argument("candidate", type=FILE)
@click.option("--share", callback=_share, default="100%", show_default=True, help="Of all Exchanges.")
@POLICY_OPTION
@json_option
def start_shadow(candidate: Path, share: float, file: Path, as_json: bool) -> None:
    """Try CANDIDATE beside the live policy; a bad one is refused and changes nothing."""
    _told(_desk(file).start("shadow", candidate, by=_operator(), share=share), as_json=as_json)


@shadow.command("stop")
@POLICY_OPTION
@json_option
def stop_shadow(file: Path, as_json: bool) -> None:
    """End the shadow; what it said stays."""
    _told(_desk(file).stop("shadow", by=_operator()), as_json=as_json)


@shadow.command("status")
@POLICY_OPTION
@json_option
def shadow_status(file: Path, as_json: bool) -> None:
    """Tell which policy is tried beside the live one, or was."""
    _status("shadow", file, as_json=as_json)


@shadow.command("report")
@click.option("--tenant", default="default", show_default=True, help="Whose Exchanges.")
@click.option("--trial", default="", help="Of an earlier shadow, by its id; the last one by default.")
@POLICY_OPTION
@json_option
def report(tenant: str, trial: str, file: Path, as_json: bool) -> None:
    """Compare the candidate with the live policy on the same Exchanges: what would newly be stopped or pass, with interval; no content."""
    found = _desk(file).report(tenant, trial)
    if as_json:
        show_json(found)
        return
    _show(found)


@click.group()
def canary() -> None:
    """Have a candidate decide instead of the live policy, for a share of the callers."""


@canary.command("start")
@click.argument("candidate", type=FILE)
@click.option("--share", callback=_share, default=None, help="Of callers (tenant and key); a caller is always answered alike.")
@click.option("--tenant", "tenants", multiple=True, help="For all callers of this tenant instead; may be given again.")
@click.option("--roll-back-if", "condition", default="", help="Such as 'blocked > 5%' or 'errored > 1%' of Exchanges.")
@click.option("--min-n", type=click.IntRange(min=1), default=50, show_default=True, help="Exchanges of a worker before it is judged.")
@POLICY_OPTION
@json_option
def start_canary(
    candidate: Path, *, share: float | None, tenants: tuple[str, ...], condition: str, min_n: int, file: Path, as_json: bool
) -> None:
    """Let CANDIDATE decide for some callers; a bad one is refused and changes nothing."""
    from fairlead.core import UsageError
    from fairlead.releases import parse_roll_back

    if (share is None) != bool(tenants):
        raise UsageError(
            "say for whom: a share of the callers, or tenants", where="canary start", mend="give --share or --tenant, not both"
        )
    roll_back = parse_roll_back(condition, min_n=min_n) if condition else None
    desk = _desk(file)
    _told(desk.start("canary", candidate, by=_operator(), share=share or 0.0, tenants=tenants, roll_back=roll_back), as_json=as_json)


@canary.command("stop")
@POLICY_OPTION
@json_option
def stop_canary(file: Path, as_json: bool) -> None:
    """End the canary; the live policy decides for everybody again."""
    _told(_desk(file).stop("canary", by=_operator()), as_json=as_json)


@canary.command("promote")
@click.option("--tenant", default="default", show_default=True, help="Whose System it guards.")
@POLICY_OPTION
@json_option
def promote(tenant: str, file: Path, as_json: bool) -> None:
    """Put the canary's policy in force for everybody: the policy file is replaced, the Release recorded and signed."""
    _told(_desk(file).promote(by=_operator(), tenant=tenant), as_json=as_json)


@canary.command("status")
@POLICY_OPTION
@json_option
def canary_status(file: Path, as_json: bool) -> None:
    """Tell for whom which policy decides instead of the live one, or did, and why it was rolled back."""
    _status("canary", file, as_json=as_json)


def _desk(file: Path) -> "TrialDesk":
    from fairlead.config import load_settings
    from fairlead.wiring.control_plane import build_control_plane
    from fairlead.wiring.trial_desk import TrialDesk

    return TrialDesk(build_control_plane(load_settings(), file), file)


def _operator() -> str:
    from fairlead.identity import LOCAL_OPERATOR

    return LOCAL_OPERATOR.id


def _status(kind: "Kind", file: Path, *, as_json: bool) -> None:
    trial = next((one for one in _desk(file).trials() if one.kind == kind), None)
    if trial is not None:
        _told(trial, as_json=as_json)
    elif as_json:
        show_json({"trial": "", "kind": kind, "state": "none"})
    else:
        click.echo(f"no {kind} was started here")


def _told(trial: "Trial", *, as_json: bool) -> None:
    condition = trial.roll_back.text() if trial.roll_back is not None else ""
    if as_json:
        plain = {name: getattr(trial, name) for name in ("kind", "state", "release", "base", "share", "tenants", "by", "at_us", "why")}
        show_json({"trial": trial.id, **plain, "roll_back_if": condition})
        return
    what = "Exchanges" if trial.kind == "shadow" else "callers"
    whom = f"tenants {', '.join(trial.tenants)}" if trial.tenants else f"{trial.share * 100:g}% of {what}"
    since = datetime.fromtimestamp(trial.at_us / 1e6, UTC).isoformat(timespec="seconds")
    click.echo(f"{trial.kind} {trial.state}: {trial.release}, {whom}, started {since} ({trial.id})")
    click.echo(f"beside {trial.base}" if trial.kind == "shadow" else f"instead of {trial.base}")
    if condition:
        click.echo(f"rolls back if {condition}")
    if trial.why:
        click.echo(f"rolled back: {trial.why}")


def _show(found: "ShadowReport") -> None:
    click.echo(f"live      {found.live or '-'}\ncandidate {found.candidate or '-'}")
    click.echo(
        f"{found.exchanges} Exchanges compared; {found.failed} failed in the shadow, {found.left_out} left out, {found.unpaired} unpaired"
    )
    if found.difference is None or found.live_stopped is None or found.candidate_stopped is None:
        click.echo("nothing to compare yet")
        return
    click.echo(f"stopped by the live policy    {found.live_stopped.text()}")
    click.echo(f"stopped by the candidate      {found.candidate_stopped.text()}")
    gap = found.difference
    click.echo(
        f"candidate minus live          {gap.value:+.1%} [{gap.low:+.1%}, {gap.high:+.1%}] "
        f"({gap.confidence:.0%} {gap.method}; McNemar exact p = {found.p_value:.3g})"
    )
    click.echo(f"newly stopped {found.newly_stopped}, newly passed {found.newly_passed}, both {found.both}, neither {found.neither}")
    cells = ((cell.stage, cell.live, cell.candidate, str(cell.pairs)) for cell in found.table)
    show_table("Decisions by Stage", ("stage", "live did", "candidate would", "pairs"), cells)
    rules = ((one.effect.replace("_", " "), one.rule, one.stage, str(one.exchanges)) for one in found.rules)
    show_table("What made the difference", ("effect", "by rule", "stage", "exchanges"), rules)
