"""``fairlead db``: migrate the store, fold the journals into it, see how far both are."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fairlead.cli.output import json_option, show_json, show_table

if TYPE_CHECKING:
    from fairlead.store import Store


@click.group()
def db() -> None:
    """Migrate the store; fold journals into it."""


@db.command()
@json_option
def upgrade(as_json: bool) -> None:
    """Bring the store's schema up to this version of Fairlead; running it again changes nothing."""
    with _store() as (store, _):
        before, after = store.revision(), store.upgrade()
    if as_json:
        show_json({"before": before, "after": after})
    else:
        click.echo(f"the schema is at {after}" if before == after else f"the schema went from {before or 'nothing'} to {after}")


@db.command()
@json_option
@click.pass_context
def fold(ctx: click.Context, as_json: bool) -> None:
    """Take over what the journals hold and the store has not; exit code 12 when a journal could not be read."""
    from fairlead.core import SystemClock
    from fairlead.store import fold as fold_journals

    with _store() as (store, folder):
        store.require_current()
        folded = fold_journals(store, folder, clock=SystemClock())
    if as_json:
        show_json(folded)
    else:
        click.echo(f"{folded.entries} entries folded, {folded.rejected} of them could not be read")
        for name in folded.unreadable:
            click.echo(f"journal {name} could not be read", err=True)
    if folded.unreadable:
        ctx.exit(12)


@db.command()
@json_option
def status(as_json: bool) -> None:
    """Show the schema's revision and how far each journal is folded."""
    from fairlead.journal import JournalUnavailable, identity, journals, last_seq
    from fairlead.store import head, records

    with _store() as (store, folder):
        revision = store.revision()
        folded: dict[str, int] = {}
        rejected = 0
        if revision == head():
            with store.read() as connection:
                folded = {position.journal: position.seq for position in records.positions(connection)}
                rejected = records.count_rejects(connection)
        rows = []
        for path in journals(folder):
            try:
                rows.append({"journal": path.name, "entries": last_seq(path), "folded": folded.get(identity(path), 0)})
            except JournalUnavailable as error:
                rows.append({"journal": path.name, "problem": error.code})
    if as_json:
        show_json({"store": store.place, "revision": revision, "head": head(), "rejected": rejected, "journals": rows})
        return
    click.echo(f"store {store.place} at {revision or 'nothing'} of {head()}; {rejected} entries could not be read")
    show_table(
        "",
        ("journal", "entries", "folded"),
        [[str(row.get(name, row.get("problem", ""))) for name in ("journal", "entries", "folded")] for row in rows],
    )


@contextmanager
def _store() -> "Iterator[tuple[Store, Path]]":
    from fairlead.config import load_settings
    from fairlead.store import open_store

    settings = load_settings()
    store = open_store(settings.database_url)
    try:
        yield store, settings.data_dir / "journal"
    finally:
        store.close()
