"""``fairlead receipt``: what was looked at in one Exchange, signed; and checking such a receipt offline."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from fairlead.cli.output import json_option, show_json, show_table

if TYPE_CHECKING:
    from fairlead.ledger import Receipt


class Room(Protocol):
    """What these commands need of the control plane."""

    def receipt(self, tenant: str, exchange: str) -> bytes:
        """Return the signed receipt of an Exchange."""


@click.group()
def receipt() -> None:
    """Show what was looked at in one Exchange, and what was not; signed."""


@receipt.command()
@click.argument("exchange")
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--tenant", default="default", show_default=True, help="Whose Exchange it is.")
@json_option
@click.pass_context
def make(ctx: click.Context, exchange: str, out: Path, *, tenant: str, as_json: bool) -> None:
    """Write the signed receipt of EXCHANGE (the answer's header x-fairlead-exchange) to the file OUT.

    It names paths, lengths, detectors and reasons, and holds no content.
    """
    from fairlead.ledger import BundleExists

    if out.exists():
        raise BundleExists("there is already a file", where=str(out), mend="name another one")
    data = _room(ctx).receipt(tenant, exchange)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(data)
    if as_json:
        show_json({"exchange": exchange, "tenant": tenant, "receipt": str(out)})
        return
    click.echo(f"{out}: the receipt of {exchange}; check it with `fairlead receipt verify` and the trust root of the log")


@receipt.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--trust-root", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Public keys, kept apart from the receipt."
)
@json_option
def verify(file: Path, *, trust_root: Path, as_json: bool) -> None:
    """Check the receipt in FILE offline: exit code 0 when it is what was signed, 20 when it is not.

    Nothing of the store is opened and nothing is asked over a network. The trust root must not come with the receipt.
    """
    from fairlead.ledger import load_trust_root, read_receipt

    found = read_receipt(file.read_bytes(), load_trust_root(trust_root), where=file.name)
    if as_json:
        show_json({"receipt": found, "whole": found.whole})
        return
    show_table(f"Exchange {found.exchange} of {found.system}", ("stage", "action", "text", "chars", "status", "by", "why"), _rows(found))
    click.secho(f"VERIFIED: signed for {found.origin}", fg="green", bold=True)
    if not found.whole:
        click.secho("  not everything was looked at: a detector failed, or an answer broke off", fg="yellow")


def _rows(found: "Receipt") -> Iterator[tuple[str, ...]]:
    for looked in found.decisions:
        action = looked.action if looked.state == "final" else f"{looked.action} ({looked.state})"
        for entry in looked.coverage:
            yield looked.stage, action, entry.path, str(entry.chars), entry.status, ", ".join(entry.detectors), entry.reason
        if not looked.coverage:
            yield looked.stage, action, "", "", "", "", "no text"


def _room(ctx: click.Context) -> Room:
    """Return the control plane; a test hands one in as the context's object."""
    if ctx.obj is None:
        from fairlead.config import load_settings
        from fairlead.wiring.control_plane import build_control_plane

        ctx.obj = build_control_plane(load_settings())
    room: Room = ctx.obj
    return room
