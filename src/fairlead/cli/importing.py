"""``fairlead import``: the configuration of another guard as a policy."""

import sys
from pathlib import Path

import click

from fairlead.cli.output import json_option, show_json


@click.command("import")
@click.argument("source", type=click.Choice(["litellm"]))
@click.argument("config", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Where to write the policy; standard output by default.")
@json_option
def import_policy(*, source: str, config: Path, out: Path | None, as_json: bool) -> None:
    """Turn the CONFIG of another guard into a policy, and say what did not carry over. A file that is there is not overwritten."""
    from fairlead.core import UsageError
    from fairlead.detectors import Registry
    from fairlead.integrations.importers import IMPORTERS
    from fairlead.policy import compile_release, load_policy

    if out is not None and out.exists():
        raise UsageError("the file is there already", where=str(out), mend="give another name, or remove it")
    imported = IMPORTERS[source](config.read_text(encoding="utf-8", errors="replace"), config.name)
    registry = Registry.load()
    compile_release(load_policy("imported.yaml", imported.policy, registry), registry)
    if out is not None:
        out.write_text(imported.policy, encoding="utf-8")
    if as_json:
        show_json({"policy": imported.policy, "notes": [note._asdict() for note in imported.notes]})
        return
    if out is None:
        click.echo(imported.policy, nl=False)
    for note in sorted(imported.notes, key=lambda note: note.carried):
        mark = click.style("carried over", fg="green") if note.carried else click.style("look at this", fg="yellow")
        click.echo(f"{mark}  {note.what}: {note.became}", file=sys.stderr)
