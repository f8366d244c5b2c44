"""Verification offline: takes a bundle and a trust root, finds what was tampered with, and names it. Needs no store and no network."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from fairlead.core import FairleadError, digest_bytes
from fairlead.ledger.bundle import Members, read_files, record_name, sort_files
from fairlead.ledger.envelope import Envelope, parse_envelope
from fairlead.ledger.history import Heads, check_heads, check_pins, check_proofs, locate
from fairlead.ledger.statement import Checkpoint, Statement, read_checkpoint, read_statement
from fairlead.ledger.tampering import Problem, Tampering
from fairlead.ledger.trust import TrustRoot

Answer = Literal["ok", "tampered"]

_UNPINNED = "the trust root has seen no head of this log before, so what the key's holder rewrote or cut back can't be seen: pin this head"


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """One entry that a trusted key signed; that it stands in the log is what the report's answer says."""

    index: int
    kind: str
    subject: str
    """Id of the record."""
    digest: str
    at_us: int
    outcome: str
    key: str
    """Id of the key that signed it."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What the verification found."""

    answer: Answer
    origin: str
    size: int
    root: str
    problems: tuple[Problem, ...]
    entries: tuple[Verified, ...]
    records: int
    """Records whose hash is the one that was signed."""
    pins: int
    """Heads of earlier checks that this log still contains."""
    notes: tuple[str, ...] = ()
    """What this check could not see."""
    head: Checkpoint | None = None
    """The head to pin, when nothing was found."""

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return self.answer == "ok"

    @property
    def exit_code(self) -> int:
        """0 when nothing was found, else 20."""
        return 0 if self.ok else 20


def verify_bundle(path: Path, trust: TrustRoot) -> Report:
    """Verify a bundle.

    Args:
        path: Folder or zip.
        trust: What is held apart from the bundle.

    Returns:
        A report; it names everything that was found, not only the first.

    Raises:
        BundleUnreadable: The bundle can't be read at all.
    """
    return verify_files(read_files(path), trust)


def verify_files(files: dict[str, bytes], trust: TrustRoot) -> Report:
    """Verify the files of a bundle that is already in memory; see :func:`verify_bundle`."""
    members = sort_files(files)
    keys = trust.public_keys()
    if _all_by_strangers(members, keys):
        what = "no entry and no tree head is signed by a key of the trust root: the whole chain is another one"
        return _report(trust, None, [Problem(kind="replaced", where="checkpoints/", what=what)])
    heads, problems = _read_heads(members, trust, keys)
    statements = dict(_read_entries(members, keys, problems))
    if not heads:
        what = "there is no tree head that a trusted key signed"
        return _report(trust, None, [*problems, Problem(kind="no-head", where="checkpoints/", what=what)])
    problems += locate(members, heads)
    problems += check_heads(members, heads)
    matched, contradictions = check_pins(members, heads, trust)
    problems += contradictions
    problems += check_proofs(members, heads)
    sound, withheld = _check_records(members, statements, problems)
    problems += [Problem(kind="unattested", where=name, what="no bundle has this file; nothing vouches for it") for name in members.strays]
    report = _report(trust, heads[max(heads)], problems)
    entries = tuple(_verified(index, members, statement) for index, statement in statements.items())
    return msgspec.structs.replace(report, entries=entries, records=sound, pins=matched, notes=_notes(trust, withheld))


def _report(trust: TrustRoot, head: Checkpoint | None, problems: list[Problem]) -> Report:
    return Report(
        answer="tampered" if problems else "ok",
        origin=trust.origin,
        size=head.size if head else 0,
        root=head.root if head else "",
        problems=tuple(problems),
        entries=(),
        records=0,
        pins=0,
        head=None if problems else head,
    )


def _notes(trust: TrustRoot, withheld: int) -> tuple[str, ...]:
    notes = []
    if withheld:
        notes.append(f"{withheld} record(s) hold content and stay with their owner; the log has their digests")
    if not trust.pins:
        notes.append(_UNPINNED)
    return tuple(notes)


def _all_by_strangers(members: Members, keys: dict[str, bytes]) -> bool:
    named = {signature.keyid for envelope in _envelopes(members) for signature in envelope.signatures}
    return bool(named) and named.isdisjoint(keys)


def _envelopes(members: Members) -> Iterator[Envelope]:
    for content in (*members.entries.values(), *members.checkpoints.values()):
        try:
            yield parse_envelope(content)
        except FairleadError:
            continue


def _read_heads(members: Members, trust: TrustRoot, keys: dict[str, bytes]) -> tuple[Heads, list[Problem]]:
    heads: Heads = {}
    problems: list[Problem] = []
    for number, content in sorted(members.checkpoints.items()):
        where = f"checkpoints/{number:08}.json"
        try:
            head = read_checkpoint(parse_envelope(content, where=where), keys, where=where)
        except FairleadError as error:
            problems.append(Problem(kind="bad-signature", where=where, what=error.what))
            continue
        if head.origin != trust.origin:
            problems.append(Problem(kind="wrong-log", where=where, what=f"this head is of the log {head.origin}, not of {trust.origin}"))
        elif heads.setdefault(head.size, head).root != head.root:
            problems.append(Problem(kind="forked", where=where, what=f"two signed heads of size {head.size} name different roots"))
    return heads, problems


def _read_entries(members: Members, keys: dict[str, bytes], problems: list[Problem]) -> Iterator[tuple[int, Statement]]:
    for index, content in sorted(members.entries.items()):
        where = f"entries/{index:08}.json"
        try:
            yield index, read_statement(parse_envelope(content, where=where), keys, where=where)
        except FairleadError as error:
            problems.append(Problem(kind="bad-signature", where=where, what=error.what))


def _check_records(members: Members, statements: dict[int, Statement], problems: list[Problem]) -> tuple[int, int]:
    """Compare the records with the digests that were signed; returns how many are sound, and how many were withheld on purpose."""
    attested: set[str] = set()
    sound = withheld = 0
    for index, statement in statements.items():
        for subject in statement.subject:
            name = record_name(statement, subject)
            attested.add(name)
            record = members.records.get(name)
            if record is None and statement.predicate.withheld:
                withheld += 1
                continue
            problem = _record_problem(record, subject.reference)
            if problem is None:
                sound += 1
            else:
                what = f"{problem[1]} (record {subject.name}, attested by entries/{index:08}.json)"
                problems.append(Problem(kind=problem[0], where=f"records/{name}", what=what))
    strangers = sorted(members.records.keys() - attested)
    problems.extend(Problem(kind="unattested", where=f"records/{name}", what="no trusted entry attests this record") for name in strangers)
    return sound, withheld


def _record_problem(record: bytes | None, expected: str) -> tuple[Tampering, str] | None:
    if record is None:
        return "record-missing", "the record that was signed is not in the bundle"
    if digest_bytes(record) != expected:
        return "record-changed", "the record is not the one that was signed"
    return None


def _verified(index: int, members: Members, statement: Statement) -> Verified:
    subject = statement.subject[0]
    return Verified(
        index=index,
        kind=statement.kind,
        subject=subject.name,
        digest=subject.reference,
        at_us=statement.predicate.at_us,
        outcome=statement.predicate.outcome,
        key=parse_envelope(members.entries[index]).signatures[0].keyid,
    )
