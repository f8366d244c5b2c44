"""``fairlead calibrate``: fit a head to your own reviewed texts, see what it gains, put it in force, take it back."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fairlead.cli.output import json_option, show_json, show_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fairlead.detectors import Calibration, Channel, ChannelCalibration, Outcome, Rate

_POLICY = click.option(
    "--policy", type=click.Path(path_type=Path, dir_okay=False), default="fairlead.yaml", show_default=True, help="The policy file."
)
FAILED, INCONCLUSIVE = 10, 11
COLUMNS = ("channel", "labels", "max_fpr", "from score", "false positives", "recall")


@click.group()
def calibrate() -> None:
    """Fit a head to your own reviewed texts: signed, measured on texts outside the fit, refused when it is not better, reversible."""


@calibrate.command()
@click.argument("labels", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--head", required=True, help="Name of the head, such as injection or harm.")
@click.option("--max-fpr", default=5.0, show_default=True, help="False-positive rate, in percent, at which it must be better.")
@click.option("--dry-run", is_flag=True, help="Show what it would give and write nothing.")
@click.option("--accept-unproven", is_flag=True, help="Put it in force although it was not shown to be better; the file says so.")
@_POLICY
@json_option
def fit(labels: Path, *, head: str, max_fpr: float, dry_run: bool, accept_unproven: bool, policy: Path, as_json: bool) -> int:
    """Calibrate a head on LABELS, one JSON object a line: text, label ("unsafe" or "benign"), origin and group if you have them.

    Exit code 0: in force. 10: worse than the uncalibrated head. 11: the labels can't tell, or too few. Then nothing is changed.
    """
    from fairlead.detectors import Registry, read_labels
    from fairlead.detectors import calibrate as fit_to

    if not 0 < max_fpr < 100:
        raise click.BadParameter("give a percentage, such as 5 or 0.5", param_hint="--max-fpr")
    shipped = Registry.load().head(head)
    read = read_labels(_read(labels), where=labels.name)
    outcome = fit_to(shipped, read, max_fpr=max_fpr / 100)
    kept = {name: entry for name, entry in outcome.channels.items() if accept_unproven or entry.comparison.answer == "PASS"}
    digest = ""
    if kept and not dry_run:
        unproven = any(entry.comparison.answer != "PASS" for entry in kept.values())
        digest = _put(policy, outcome._replace(channels=kept), head=shipped.id, labels=read.digest, unproven=unproven)
    failed = any(entry.comparison.answer == "FAIL" for entry in outcome.channels.values())
    code = 0 if kept else FAILED if failed else INCONCLUSIVE
    if as_json:
        answers = {name: {**_as_json(entry), "kept": name in kept} for name, entry in outcome.channels.items()}
        show_json({"head": shipped.id, "channels": answers, "left_out": outcome.left_out, "in_force": digest, "exit_code": code})
        return code
    _show_channels(outcome.channels)
    for name, why in outcome.left_out.items():
        click.echo(f"{name} is left out: {why}")
    for name, entry in outcome.channels.items():
        click.echo(_compared(name, entry))
    _say(digest, dry_run=dry_run, kept=bool(kept))
    return code


@calibrate.command("list")
@_POLICY
@json_option
def list_calibrations(policy: Path, as_json: bool) -> None:
    """List the calibrations beside a policy: those in force, and those that were."""
    rows = [(in_force, entry) for in_force, entry in _all(policy)]
    if as_json:
        show_json([{"in_force": in_force, **_summary(entry)} for in_force, entry in rows])
        return
    if not rows:
        click.echo("no head was calibrated")
        return
    cells = ((("yes" if used else ""), entry.head, entry.digest, _counted(entry), _day(entry.at_us)) for used, entry in rows)
    show_table("", ("in force", "head", "calibration", "labels", "made"), cells)


@calibrate.command()
@click.argument("which")
@_POLICY
@json_option
def show(which: str, policy: Path, as_json: bool) -> None:
    """Show what is known of a calibration. WHICH is the name of a head, or the (beginning of the) digest of a calibration."""
    from fairlead.releases import CalibrationUnknown

    found = [entry for in_force, entry in _all(policy) if (in_force and entry.name == which) or entry.digest.startswith(_digest(which))]
    if not found:
        raise CalibrationUnknown("there is no such calibration", where=which, mend="see `fairlead calibrate list`")
    entry = found[0]
    if as_json:
        show_json({**_summary(entry), "channels": {name: _as_json(channel) for name, channel in entry.channels.items()}})
        return
    click.echo(f"{entry.head}, calibration {entry.digest}, made {_day(entry.at_us)} by {entry.by} from labels {entry.labels}")
    click.echo(f"before: {entry.before or 'the uncalibrated head'}")
    if entry.unproven:
        click.echo("put in force although it was not shown to be better")
    _show_channels(entry.channels)
    for name, channel in entry.channels.items():
        click.echo(_compared(name, channel))


@calibrate.command()
@click.argument("head")
@_POLICY
@json_option
def revert(head: str, policy: Path, as_json: bool) -> None:
    """Put back what was in force for HEAD before its calibration: the one before, or the head as it was shipped."""
    from fairlead.config import load_settings
    from fairlead.releases import CalibrationFolder, trusted_keys

    now = CalibrationFolder(policy).revert(head, trusted_keys(load_settings().config_dir))
    if as_json:
        show_json({"head": head, "in_force": now})
        return
    click.echo(f"in force for {head}: {now or 'the head as it was shipped'}")


def _put(policy: Path, outcome: "Outcome", *, head: str, labels: str, unproven: bool) -> str:
    """Put a calibration in force, unless the policy would no longer compile with it."""
    from fairlead.config import load_settings
    from fairlead.core import SystemClock
    from fairlead.detectors import Calibration
    from fairlead.identity import LOCAL_OPERATOR
    from fairlead.ledger import ensure_key
    from fairlead.releases import CalibrationFolder
    from fairlead.wiring.policy_files import PolicyFiles

    settings = load_settings()
    before = next((entry.digest for in_force, entry in _all(policy) if in_force and entry.name == head.partition("@")[0]), "")
    made = Calibration(
        head=head,
        labels=labels,
        channels=outcome.channels,
        unproven=unproven,
        before=before,
        by=LOCAL_OPERATOR.id,
        at_us=SystemClock().now_us(),
    )
    key = ensure_key(settings.config_dir)
    if policy.exists():
        PolicyFiles(policy, settings.config_dir).compile_with(made, key)
    return CalibrationFolder(policy).put(made, key)


def _all(policy: Path) -> "Iterator[tuple[bool, Calibration]]":
    """Yield every calibration beside a policy, and whether it is in force; those in force first."""
    from fairlead.config import load_settings
    from fairlead.releases import CalibrationFolder, read_calibration, trusted_keys

    folder = CalibrationFolder(policy)
    keys = trusted_keys(load_settings().config_dir)
    used = {name: read_calibration(text, keys, where=f"{name}.json") for name, text in folder.texts().items()}
    yield from ((True, entry) for entry in used.values())
    digests = {entry.digest for entry in used.values()}
    for path in folder.history():
        entry = read_calibration(_read(path), keys, where=path.name)
        if entry.digest not in digests:
            yield False, entry


def _read(file: Path) -> bytes:
    from fairlead.core import InvalidInput

    try:
        return file.read_bytes()
    except OSError as error:
        raise InvalidInput("the file can't be read", where=str(file), mend="check its name and permissions") from error


def _digest(text: str) -> str:
    return text if text.startswith("sha256:") else f"sha256:{text}"


def _show_channels(channels: "Mapping[Channel, ChannelCalibration]") -> None:
    rows = []
    for name, entry in channels.items():
        labels = f"{entry.unsafe} unsafe in {entry.unsafe_clusters} clusters, {entry.benign} benign in {entry.benign_clusters}"
        rows += [(name, labels, f"{at.max_fpr:.2%}", f"{at.threshold:g}", _share(at.fpr), _share(at.recall)) for at in entry.points]
    if rows:
        show_table("outside the fit, by cluster, exact 95% intervals", COLUMNS, rows)


def _compared(name: str, entry: "ChannelCalibration") -> str:
    told = entry.comparison
    gain = told.difference
    return (
        f"{name}: {told.answer} at {told.max_fpr:.2%}: recall {gain.value:+.1%} [{gain.low:+.1%}, {gain.high:+.1%}] against the "
        f"uncalibrated head at the same false positives (found only by it {told.only_uncalibrated}, only by the calibrated one "
        f"{told.only_calibrated}, p {told.p:.2g}); as shipped it fires on {_share(told.shipped_fpr)} benign and finds "
        f"{_share(told.shipped_recall)}"
    )


def _say(digest: str, *, dry_run: bool, kept: bool) -> None:
    if digest:
        click.secho(f"in force: {digest}", fg="green")
    elif kept and dry_run:
        click.echo("nothing was written")
    else:
        click.secho("refused: not shown to be better; nothing was changed", fg="red")


def _share(rate: "Rate") -> str:
    return f"{rate.value:.1%} [{rate.low:.1%}, {rate.high:.1%}] ({rate.k}/{rate.n})"


def _summary(entry: "Calibration") -> dict[str, object]:
    told = {"head": entry.head, "calibration": entry.digest, "labels": entry.labels, "before": entry.before, "unproven": entry.unproven}
    return {**told, "by": entry.by, "at_us": entry.at_us}


def _as_json(entry: "ChannelCalibration") -> dict[str, object]:
    """Return a channel without its weights."""
    counts = {name: getattr(entry, name) for name in ("unsafe", "benign", "unsafe_clusters", "benign_clusters", "slope", "bias")}
    return {**counts, "points": entry.points, "comparison": entry.comparison}


def _counted(entry: "Calibration") -> str:
    return ", ".join(f"{name} {channel.unsafe + channel.benign}" for name, channel in entry.channels.items())


def _day(at_us: int) -> str:
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(at_us / 1e6, UTC):%Y-%m-%d %H:%M} UTC"
