"""How commands speak: tables for people, JSON for programs, silence on a pipe where progress would be noise."""

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import click

from fairlead.core import canonical_bytes

PIPE_WIDTH = 200
"""Columns of a table that does not go to a terminal."""

F = TypeVar("F", bound=Callable[..., object])


def json_option(command: F) -> F:
    """Add ``--json`` as the parameter ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")(command)


def show_json(value: object) -> None:
    """Print one JSON document, keys sorted, indented."""
    import msgspec

    click.echo(msgspec.json.format(canonical_bytes(value), indent=2).decode())


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table for a person; cells are plain text and are never read as markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # On a pipe there is no window to fit into: a folded id could not be copied or searched for.
    console = Console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH)
    table = Table(title=title or None, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)
