"""Corpora: every folder's material, read with its files, checked across files, sealed and purged."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from fairlead.core import Clock, FairleadError, InvalidInput, Problems, canonical_bytes, decode, digest_bytes
from fairlead.core.material import SEALED_FROM, Material, MaterialInvalid, day, near_pairs, parse_material
from fairlead.evals.cases import parse_cases, read_text
from fairlead.evals.model import Case

if TYPE_CHECKING:
    from fairlead.journal import Access, Record, Sealer

RECORDS = "material.jsonl"
"""Name of the file of records in each folder that holds material."""
TENANT = "material"
"""What sealed material is bound to: it belongs to nobody's traffic."""
_SKIPPED = frozenset({"__pycache__", "node_modules", "site"})


class Corpus(NamedTuple):
    """The records of one folder."""

    path: Path
    """The file of records."""
    material: tuple[Material, ...]


class Purged(NamedTuple):
    """What a purge removed."""

    records: tuple[str, ...]
    """Ids."""
    files: tuple[Path, ...]


def read_corpora(root: Path, *, clock: Clock) -> tuple[Corpus, ...]:
    """Read all records below a folder, and compare them across files.

    Args:
        root: Folders that begin with a dot are left out.
        clock: Says what has expired.

    Raises:
        Problems: Records break rules, or texts of different splits are nearly the same; lists all.
    """
    today = day(clock.now_us())
    corpora: list[Corpus] = []
    problems: list[FairleadError] = []
    for path in _record_files(root):
        try:
            material = parse_material(read_text(path), str(path), today=today, read_file=_reader(path.parent))
        except Problems as error:
            problems += error.problems
            continue
        corpora.append(Corpus(path, material))
    texts: list[tuple[str, str, str]] = []
    for corpus in corpora:
        for record in corpus.material:
            try:
                texts += _texts(corpus.path, record)
            except Problems as error:
                problems += error.problems
    problems += _near(texts)
    if problems:
        raise Problems(f"the material in {root} is refused", tuple(problems))
    return tuple(corpora)


def seal_material(records: Sequence[Material], sealer: "Sealer") -> tuple[Material, ...]:
    """Return records with the texts of harm levels 2 and 3 sealed.

    Args:
        records: Checked but for the rule ``sealed``.
        sealer: The installation's; only the control plane has one.
    """
    out: list[Material] = []
    for record in records:
        if record.text and record.provenance.harm_level >= SEALED_FROM:
            body = sealer.seal(record.id, TENANT, record.text.encode("utf-8", "surrogatepass"))
            record = msgspec.structs.replace(record, text="", sealed=body.decode("ascii"))  # noqa: PLW2901 - the same record, sealed
        out.append(record)
    return tuple(out)


def open_material(
    record: Material, sealer: "Sealer", *, access: "Access", audit: "Callable[[Sequence[Record]], None]", clock: Clock
) -> str:
    """Return the text of a record; of a sealed one only after the reading is in the audit trail.

    Args:
        record: Of one text.
        sealer: The installation's.
        access: Who reads it and why; a person needs a second one's consent.
        audit: Makes the audit record durable.
        clock: Where the time of the audit entry comes from; a record that has expired is refused.

    Raises:
        MaterialInvalid: The record has expired, is about a file, or the text is not what was reviewed.
        CaptureRefused: No reason, or no second person's consent.
        CaptureShredded: Its key was forgotten.
    """
    expires = record.provenance.expires
    if isinstance(expires, str) and day(clock.now_us()) >= expires:
        raise MaterialInvalid("retention: the record has expired", where=record.id, mend="run `fairlead data purge`")
    if record.file:
        raise MaterialInvalid("shape: the record is about a file", where=record.id, mend="read the file")
    if not record.sealed:
        return record.text
    content = sealer.unseal(record.sealed.encode(), TENANT, access=access, audit=audit, clock=clock)
    if digest_bytes(content) != record.digest:
        raise MaterialInvalid("digest: the sealed text is not the one that was reviewed", where=record.id, mend="seal it again")
    return content.decode("utf-8", "surrogatepass")


def purge_material(root: Path, *, clock: Clock, sealer: "Sealer | None" = None) -> Purged:
    """Remove what has expired: its record, its file, and the key of its sealed text, so that no copy can be read again.

    Args:
        root: As for :func:`read_corpora`.
        clock: Says what has expired.
        sealer: Whose keys are forgotten; without one only what is in the clear is removed.

    Raises:
        Problems: A line is no record; nothing of that file is removed.
    """
    today = day(clock.now_us())
    records: list[str] = []
    files: list[Path] = []
    for path in _record_files(root):
        kept: list[Material] = []
        for record in _decoded(path):
            expires = record.provenance.expires
            if not isinstance(expires, str) or today < expires or (record.sealed and sealer is None):
                kept.append(record)
                continue
            records.append(record.id)
            if record.sealed and sealer is not None:
                sealer.shred(record.id, TENANT)
            if record.file:
                file = path.parent / record.file
                file.unlink(missing_ok=True)
                files.append(file)
        write_material(path, kept)
    return Purged(tuple(records), tuple(files))


def write_material(path: Path, records: Sequence[Material]) -> None:
    """Write a file of records, all of it or nothing."""
    draft = path.with_suffix(".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(b"".join(canonical_bytes(record) + b"\n" for record in records))
    draft.replace(path)


def expired_cases(cases: Sequence[Case], *, clock: Clock) -> tuple[str, ...]:
    """Return the ids of cases that may no longer be used."""
    today = day(clock.now_us())
    return tuple(case.id for case in cases if isinstance(case.provenance.expires, str) and today >= case.provenance.expires)


def _record_files(root: Path) -> list[Path]:
    if not root.exists():
        raise InvalidInput("there is no such folder", where=str(root), mend="name the folder of the repository")
    found = [root] if root.is_file() else sorted(root.rglob(RECORDS))
    return [path for path in found if not _hidden(path.relative_to(root).parts)]


def _hidden(parts: tuple[str, ...]) -> bool:
    return any(part.startswith(".") or part in _SKIPPED for part in parts)


def _reader(folder: Path) -> Callable[[str], bytes | None]:
    def read(name: str) -> bytes | None:
        path = folder / name
        return path.read_bytes() if Path(name).name == name and path.is_file() else None

    return read


def _decoded(path: Path) -> Iterator[Material]:
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip():
            yield decode(line, Material, where=f"{path}:{number}")


def _texts(path: Path, record: Material) -> Iterator[tuple[str, str, str]]:
    """Yield place, split and text of everything in the clear that is measured or trained on."""
    if record.text:
        yield f"{path}: {record.id}", record.provenance.split, record.text
    if not record.file or record.holds in ("words", "plans"):
        return
    file = path.parent / record.file
    if record.holds == "texts":
        for number, line in enumerate(read_text(file).split("\n"), start=1):
            if line.strip() and not line.startswith("#"):
                yield f"{file}:{number}", record.provenance.split, line
        return
    cases = parse_cases(read_text(file), str(file))
    graver = [case.id for case in cases if case.provenance.harm_level > record.provenance.harm_level]
    if graver:
        problem = MaterialInvalid(
            f"cases: {len(graver)} case(s) are of a higher harm level than the record of their file",
            where=f"{path}: {record.id}",
            mend="give the highest level of the cases",
        )
        raise Problems(f"{path} is refused", (problem,))
    for case in cases:
        for text in (case.user, *(document.text for document in case.documents)):
            yield f"{file}: {case.id}", case.provenance.split, text


def _near(texts: Sequence[tuple[str, str, str]]) -> list[FairleadError]:
    mend = "keep one of them, or put both into one split"
    told = "split: nearly the same text ({:.0%}) is in another split, at {}"
    return [MaterialInvalid(told.format(pair.overlap, pair.first), where=pair.second, mend=mend) for pair in near_pairs(texts)]
