"""Reading records of material: every record that breaks a rule is named, all of them at once."""

from collections.abc import Callable
from typing import NamedTuple

from fairlead.core.canonical import decode, digest_bytes
from fairlead.core.errors import FairleadError, InvalidInput, Problems
from fairlead.core.material.errors import MaterialInvalid
from fairlead.core.material.model import Material
from fairlead.core.material.rules import broken_rules

ReadFile = Callable[[str], bytes | None]
"""Name of a file beside the records to its bytes; None when there is none."""


class _Line(NamedTuple):
    where: str
    record: Material


def parse_material(text: str, where: str, *, today: str, read_file: ReadFile | None = None, to_seal: bool = False) -> tuple[Material, ...]:
    """Decode records, one JSON object a line; empty lines are skipped.

    Args:
        text: What the file of records holds.
        where: How errors name it.
        today: The day, such as ``2026-11-25``.
        read_file: Gives the files that records are about; without it their digests are not compared.
        to_seal: True for what is about to be sealed, and may still be in the clear.

    Raises:
        Problems: Records break rules; lists each with file, line, rule and mend, without content.
    """
    lines: list[_Line] = []
    problems: list[FairleadError] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        place = f"{where}:{number}"
        try:
            lines.append(_Line(place, decode(line, Material, where=place)))
        except InvalidInput as error:
            mend = "docs/reference/harmful-data.md lists the fields of a record"
            problems.append(MaterialInvalid(f"shape: {error.what}", where=place, mend=mend))
    for entry in lines:
        broken = broken_rules(entry.record, today=today, where=entry.where)
        problems += [problem for problem in broken if not (to_seal and problem.what.startswith("sealed:"))]
        if entry.record.file and read_file is not None:
            problems += _file_problems(entry, read_file(entry.record.file))
    problems += _between(lines)
    if problems:
        raise Problems(f"{where} is refused", tuple(problems))
    return tuple(entry.record for entry in lines)


def _file_problems(entry: _Line, data: bytes | None) -> list[FairleadError]:
    if data is None:
        return [MaterialInvalid("file: the file is not beside the records", where=entry.where, mend="mend its name, or remove the record")]
    if digest_bytes(data) != entry.record.digest:
        mend = "review what changed, then write the new digest"
        return [MaterialInvalid("digest: the digest is not that of the file", where=entry.where, mend=mend)]
    return []


def _between(lines: list[_Line]) -> list[FairleadError]:
    """Return what is wrong between records: an id that two have, a parent that there is not."""
    problems: list[FairleadError] = []
    ids: set[str] = set()
    for entry in lines:
        if entry.record.id in ids:
            problems.append(MaterialInvalid("id: the id is here twice", where=entry.where, mend="give each record an id of its own"))
        ids.add(entry.record.id)
    for entry in lines:
        parent = entry.record.provenance.parent
        if isinstance(parent, str) and parent not in ids:
            mend = "keep the record that it was made from, in the same file"
            problems.append(MaterialInvalid("parent: there is no such record", where=entry.where, mend=mend))
    return problems
