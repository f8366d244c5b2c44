"""Entities in structured data: JSON values, CSV text, columns of a data frame. The name of a field is context for what stands in it."""

import csv
import io
from collections.abc import Callable, Iterable
from typing import Protocol, Self, TypeAlias, TypeVar

from fairlead.detectors.operators import OperatorName, Operators, redact
from fairlead.detectors.scanner import PatternScanner

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
C = TypeVar("C", bound="Column")


class Column(Protocol):
    """A column of a data frame, as pandas and polars have it."""

    def map(self, function: Callable[[object], object], /) -> Self:
        """Return the column with a function applied to each value."""
        ...


class Redaction:
    """Replaces entities wherever they stand.

    Args:
        scanner: What to look for.
        operators: With which key.
        operator: How.
    """

    def __init__(self, scanner: PatternScanner, operators: Operators, operator: OperatorName = "placeholder") -> None:
        self._scanner = scanner
        self._operators = operators
        self._operator = operator

    def text(self, text: str, field: str = "") -> str:
        """Return a text with its entities replaced.

        Args:
            text: The text.
            field: Name of the field that it stands in.
        """
        label = f"{field.replace('_', ' ')}: " if field else ""
        clean = redact(label + text, self._scanner.clusters(label + text), self._operators, self._operator)
        if clean.startswith(label):
            return clean[len(label) :]
        return redact(text, self._scanner.clusters(text), self._operators, self._operator)

    def json(self, value: Json, field: str = "") -> Json:
        """Return a JSON value with the entities in its texts and numbers replaced; keys stay.

        Args:
            value: Decoded JSON.
            field: Name of the field that it stands in.
        """
        if isinstance(value, str):
            return self.text(value, field)
        if isinstance(value, list):
            return [self.json(item, field) for item in value]
        if isinstance(value, dict):
            return {key: self.json(item, key) for key, item in value.items()}
        if isinstance(value, int | float) and not isinstance(value, bool):
            text = str(value)
            clean = self.text(text, field)
            return value if clean == text else clean
        return value

    def csv(self, text: str, delimiter: str = ",") -> str:
        """Return CSV with the entities in its cells replaced; the first row names the columns and stays.

        Args:
            text: CSV with a header.
            delimiter: Between cells.
        """
        out = io.StringIO()
        writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
        names: list[str] = []
        for number, row in enumerate(csv.reader(io.StringIO(text), delimiter=delimiter)):
            if not number:
                names = row
                writer.writerow(row)
                continue
            fields = (*names, *("",) * len(row))
            writer.writerow([self.text(cell, name) for cell, name in zip(row, fields, strict=False)])
        return out.getvalue()

    def columns(self, columns: Iterable[tuple[str, C]]) -> dict[str, C]:
        """Return columns of a data frame with the entities in their texts replaced.

        Args:
            columns: Name and column of each, as ``frame[names].items()`` gives them.
        """
        return {name: column.map(self._cell(name)) for name, column in columns}

    def _cell(self, name: str) -> Callable[[object], object]:
        return lambda value: self.text(value, name) if isinstance(value, str) else value
