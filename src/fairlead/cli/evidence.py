"""`fairlead evidence` and `fairlead verify`: take the evidence away, and check it without trusting whoever made it."""

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from fairlead.cli.output import json_option, show_json, show_table

if TYPE_CHECKING:
    from fairlead.ledger import Report
    from fairlead.ledger.records import Ledger

TENANT_OPTION = click.option("--tenant", default="default", show_default=True, help="Whose log.")


class Room(Protocol):
    """What these commands need of the control plane."""

    @property
    def ledger(self) -> "Ledger":
        """The signed log."""


@click.group()
def evidence() -> None:
    """Export the signed evidence."""


@evidence.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--trust-root", type=click.Path(dir_okay=False, path_type=Path), default=None, help="Write the trust root to this file too.")
@TENANT_OPTION
@json_option
@click.pass_context
def export(ctx: click.Context, out: Path, *, trust_root: Path | None, tenant: str, as_json: bool) -> None:
    """Write the evidence bundle to OUT: a zip when its name ends in .zip, else a folder.

    The trust root (public keys and the present head) goes to auditors by another way than the bundle; whoever sends both can forge both.
    """
    from fairlead.ledger import BundleExists, save_trust_root, write_files

    if trust_root is not None and trust_root.exists():
        what, mend = "there is already a trust root, with the heads that it has seen", "keep it, and use `fairlead verify --pin`"
        raise BundleExists(what, where=str(trust_root), mend=mend)
    ledger = _room(ctx).ledger
    head = ledger.head(tenant)
    digest = write_files(out, ledger.export(tenant))
    if trust_root is not None:
        save_trust_root(trust_root, ledger.trust_root(tenant, ledger.key))
    if as_json:
        show_json({"bundle": str(out), "digest": digest, "head": head, "key": ledger.key.key_id})
        return
    click.echo(f"{out}: {head.size if head else 0} attestations of {ledger.origin(tenant)}")
    click.echo(f"digest {digest}")
    click.echo(f"key    {ledger.key.key_id}")
    if trust_root is not None:
        click.echo(f"trust root {trust_root}: give it to auditors by another way than the bundle")


@evidence.command()
@click.option("--after", default=-1, show_default=True, help="Only entries after this place.")
@click.option("--limit", default=100, show_default=True, help="At most so many.")
@TENANT_OPTION
@json_option
@click.pass_context
def log(ctx: click.Context, *, after: int, limit: int, tenant: str, as_json: bool) -> None:
    """List what was attested, in the order of the log."""
    from fairlead.governance import moment

    ledger = _room(ctx).ledger
    head, entries = ledger.head(tenant), ledger.entries(tenant, after=after, limit=limit)
    if as_json:
        show_json({"origin": ledger.origin(tenant), "head": head, "entries": entries})
        return
    rows = [(str(each.position), each.kind, each.subject, each.outcome, moment(each.at_us), each.digest[:19] + "…") for each in entries]
    show_table(f"log {ledger.origin(tenant)}", ("entry", "kind", "record", "outcome", "signed", "digest"), rows)
    click.echo(f"head: size {head.size}, root {head.root}" if head else "nothing was attested yet")


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--trust-root",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Public keys and heads seen before.",
)
@click.option("--pin", is_flag=True, help="Remember the head in the trust root when nothing is found.")
@json_option
def verify(bundle: Path, *, trust_root: Path, pin: bool, as_json: bool) -> int:
    """Verify an evidence BUNDLE offline: exit code 0 when nothing is found, 20 when something was tampered with.

    Nothing of the store is opened and nothing is asked over a network. The trust root must not come with the bundle.
    With --pin, later checks also find a history that the holder of the key rewrote or cut back.
    """
    from fairlead.ledger import load_trust_root, save_trust_root, verify_bundle

    trust = load_trust_root(trust_root)
    report = verify_bundle(bundle, trust)
    if pin and report.head is not None:
        save_trust_root(trust_root, trust.pinned(report.head))
    if as_json:
        show_json(report)
    else:
        _show(report, pinned=pin)
    return report.exit_code


def _show(report: "Report", *, pinned: bool) -> None:
    if report.problems:
        rows = [(problem.kind, problem.where, problem.what) for problem in report.problems]
        show_table("what was found", ("kind", "where", "what"), rows)
        click.secho(f"TAMPERED: {len(report.problems)} problem(s) in the evidence of {report.origin}", fg="red", bold=True)
        return
    click.secho(f"VERIFIED: the evidence of {report.origin}", fg="green", bold=True)
    click.echo(f"  {report.size} signed entries, {report.records} records as they were signed, {report.pins} pinned head(s) found again")
    click.echo(f"  root {report.root}")
    for note in report.notes:
        click.echo(f"  note: {note}")
    if pinned:
        click.echo("  this head is pinned now")


def _room(ctx: click.Context) -> Room:
    """Return the control plane; a test hands one in as the context's object."""
    if ctx.obj is None:
        from fairlead.config import load_settings
        from fairlead.wiring.control_plane import build_control_plane

        ctx.obj = build_control_plane(load_settings())
    room: Room = ctx.obj
    return room
