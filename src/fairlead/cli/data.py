"""``fairlead data``: the texts that train, test or attack, and the records that govern them."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fairlead.cli.output import json_option, show_json, show_table

if TYPE_CHECKING:
    from fairlead.core.material import Material

ROOT = click.argument("root", type=click.Path(path_type=Path), default=Path())


@click.group()
def data() -> None:
    """Check, list, seal and purge the texts that train, test or attack."""


@data.command()
@ROOT
@json_option
def check(root: Path, as_json: bool) -> None:
    """Check every record of material below ROOT, and that no text is in two splits; all problems at once, exit code 2."""
    from fairlead.core import SystemClock
    from fairlead.evals import read_corpora

    corpora = read_corpora(root, clock=SystemClock())
    records = [record for corpus in corpora for record in corpus.material]
    waived = [f"{record.id}: {waiver.rule} until {waiver.until}" for record in records for waiver in record.waivers]
    if as_json:
        show_json({"files": [str(corpus.path) for corpus in corpora], "records": len(records), "waived": waived})
        return
    click.echo(f"{len(records)} record(s) in {len(corpora)} file(s) keep every rule")
    for line in waived:
        click.echo(f"waived: {line}")


@data.command("list")
@ROOT
@json_option
def list_(root: Path, as_json: bool) -> None:
    """List the material below ROOT, redacted: digests and records, never a text."""
    from fairlead.core import SystemClock
    from fairlead.evals import read_corpora

    rows = [(str(corpus.path.parent), record) for corpus in read_corpora(root, clock=SystemClock()) for record in corpus.material]
    if as_json:
        show_json([{"folder": folder, **_shown(record)} for folder, record in rows])
        return
    columns = ("record", "kept as", "hazards", "level", "split", "licence", "author", "reviewer", "expires", "waived")
    show_table("", columns, ([record.id, *_cells(record)] for _, record in rows))


@data.command()
@click.argument("records", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@json_option
def seal(records: Path, as_json: bool) -> None:
    """Seal the texts of harm levels 2 and 3 in a file of RECORDS, in place, under a key that a purge forgets.

    Everything else about the records must be in order. What was in the clear stays in backups and in the history of git: seal before
    you commit.
    """
    from fairlead.config import load_settings
    from fairlead.core import SystemClock
    from fairlead.core.material import day, parse_material
    from fairlead.evals import seal_material, write_material
    from fairlead.journal import Sealer

    today = day(SystemClock().now_us())
    found = parse_material(records.read_text(encoding="utf-8"), str(records), today=today, to_seal=True)
    sealer = Sealer.open(load_settings().config_dir)
    try:
        sealed = seal_material(found, sealer)
    finally:
        sealer.close()
    write_material(records, sealed)
    count = sum(bool(new.sealed) and not old.sealed for old, new in zip(found, sealed, strict=True))
    if as_json:
        show_json({"sealed": count, "records": len(sealed)})
    else:
        click.echo(f"{count} of {len(sealed)} record(s) sealed")


@data.command()
@ROOT
@click.option("--yes", is_flag=True, help="Don't ask.")
@json_option
def purge(root: Path, yes: bool, as_json: bool) -> None:
    """Remove the material below ROOT that has expired: records, files, and the keys of sealed texts."""
    from fairlead.config import load_settings
    from fairlead.core import SystemClock
    from fairlead.evals import purge_material
    from fairlead.journal import Sealer

    if not yes:
        click.confirm("remove what has expired, for good?", abort=True, err=True)
    sealer = Sealer.open(load_settings().config_dir)
    try:
        purged = purge_material(root, clock=SystemClock(), sealer=sealer)
    finally:
        sealer.close()
    if as_json:
        show_json({"records": purged.records, "files": [str(path) for path in purged.files]})
    else:
        click.echo(f"{len(purged.records)} record(s) and {len(purged.files)} file(s) removed")


def _kept(record: "Material") -> str:
    return record.file or ("sealed" if record.sealed else "text")


def _cells(record: "Material") -> list[str]:
    provenance = record.provenance
    expires = provenance.expires if isinstance(provenance.expires, str) else ""
    return [
        _kept(record),
        ", ".join(record.hazards),
        str(provenance.harm_level),
        provenance.split,
        provenance.licence,
        provenance.author,
        provenance.reviewer,
        expires,
        ", ".join(f"{waiver.rule} until {waiver.until}" for waiver in record.waivers),
    ]


def _shown(record: "Material") -> dict[str, object]:
    return {
        "id": record.id,
        "digest": record.digest,
        "kept_as": _kept(record),
        "hazards": record.hazards,
        "family": record.family,
        "origin": record.origin,
        "standards": record.standards,
        "provenance": record.provenance,
        "waivers": record.waivers,
    }
