"""Evidence bundles: what an auditor takes away, as a folder or a zip. Layout, writing and reading; no judgement.

::

    README.md                        how to check it, for a person
    entries/00000000.json            the envelope at each place of the log, as it was signed
    checkpoints/00000001.json        the signed tree head of each size
    proofs/inclusion/00000000.json   audit path of each entry to the last head
    proofs/consistency/00000001.json proof that each earlier head is a prefix of the last one
    records/run-run_x-<hash>.json    the records that the entries attest, in canonical JSON
"""

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from fairlead.core import canonical_bytes, digest_bytes
from fairlead.ledger.errors import BundleExists, BundleUnreadable
from fairlead.ledger.merkle import Tree, leaf_hash
from fairlead.ledger.statement import Statement, Subject, root_text

MAX_BYTES = 1 << 30
"""A bundle that unpacks to more is refused: an archive must not exhaust the auditor's machine."""

_NUMBERED = re.compile(r"(entries|checkpoints|proofs/inclusion|proofs/consistency)/(\d{8})\.json")
_EPOCH = (1980, 1, 1, 0, 0, 0)


class Proof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One Merkle proof, complete in itself."""

    index: int
    """For inclusion the entry's place; for consistency the size of the earlier tree."""
    size: int
    """Size of the tree that it leads to."""
    path: tuple[str, ...]
    """Tree hashes, ``sha256:`` and hex."""


class Members(msgspec.Struct, frozen=True, kw_only=True):
    """The files of a bundle, sorted by what they are, contents untouched."""

    entries: dict[int, bytes]
    checkpoints: dict[int, bytes]
    inclusion: dict[int, bytes]
    consistency: dict[int, bytes]
    records: dict[str, bytes]
    """By file name without the folder."""
    strays: tuple[str, ...]
    """Files that no bundle has."""


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """One log with its records, ready to be written out."""

    origin: str
    entries: Mapping[int, bytes]
    """Canonical bytes of each envelope, by its place in the log."""
    checkpoints: Mapping[int, bytes]
    """Canonical bytes of each signed tree head, by size."""
    records: Mapping[str, bytes]
    """File name (:func:`record_name`) and canonical bytes of each record."""


def record_name(statement: Statement, subject: Subject) -> str:
    """Return the file name of a record: kind, id and the start of its hash, in characters that every file system takes."""
    safe = re.sub(r"[^A-Za-z0-9_]", "-", subject.name)[:80]
    return f"{statement.kind}-{safe}-{subject.digest.get('sha256', '')[:16]}.json"


def compose(log: Log) -> dict[str, bytes]:
    """Return the files of the bundle of ``log``, by name.

    A damaged log is exported as it is, so that the verifier can name what happened to it.
    """
    tree, size = Tree([leaf_hash(entry) for _, entry in sorted(log.entries.items())]), len(log.entries)
    files = {"README.md": _readme(log.origin, size, root_text(tree.root())).encode()}
    for place, (number, entry) in enumerate(sorted(log.entries.items())):
        files[f"entries/{number:08}.json"] = entry
        files[f"proofs/inclusion/{number:08}.json"] = _proof(place, size, tree.inclusion(place))
    for number, head in log.checkpoints.items():
        files[f"checkpoints/{number:08}.json"] = head
        if number <= size:
            files[f"proofs/consistency/{number:08}.json"] = _proof(number, size, tree.consistency(number))
    files.update({f"records/{name}": record for name, record in log.records.items()})
    return files


def write_files(path: Path, files: Mapping[str, bytes]) -> str:
    """Write a bundle as a zip when ``path`` ends in ``.zip``, else as a folder.

    Returns:
        ``sha256:`` digest of the zip; of the list of the files' digests for a folder. Equal evidence gives equal bytes.

    Raises:
        BundleExists: Something is already there.
    """
    if path.exists():
        raise BundleExists("there is already something at this path", where=str(path), mend="name a new file or folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".zip":
        data = _zipped(files)
        path.write_bytes(data)
        return digest_bytes(data)
    for name, content in files.items():
        place = path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return digest_bytes(canonical_bytes({name: digest_bytes(content) for name, content in files.items()}))


def read_files(path: Path) -> dict[str, bytes]:
    """Read the files of a bundle into memory; nothing is unpacked to disk.

    Raises:
        BundleUnreadable: It is missing, cut off, ambiguous or too large.
    """
    if path.is_dir():
        return _folder_files(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return _zip_files(archive, path)
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise BundleUnreadable("the bundle can't be read", where=str(path), mend="get it again from its source") from error


def sort_files(files: Mapping[str, bytes]) -> Members:
    """Sort the files of a bundle by what they are."""
    numbered: dict[str, dict[int, bytes]] = {"entries": {}, "checkpoints": {}, "proofs/inclusion": {}, "proofs/consistency": {}}
    records: dict[str, bytes] = {}
    strays: list[str] = []
    for name, content in sorted(files.items()):
        match = _NUMBERED.fullmatch(name)
        if match:
            numbered[match[1]][int(match[2])] = content
        elif name.startswith("records/") and name.count("/") == 1:
            records[name.removeprefix("records/")] = content
        elif name != "README.md":
            strays.append(name)
    return Members(
        entries=numbered["entries"],
        checkpoints=numbered["checkpoints"],
        inclusion=numbered["proofs/inclusion"],
        consistency=numbered["proofs/consistency"],
        records=records,
        strays=tuple(strays),
    )


def _proof(index: int, size: int, path: Sequence[bytes]) -> bytes:
    return canonical_bytes(Proof(index=index, size=size, path=tuple(root_text(node) for node in path)))


def _zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, date_time=_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return buffer.getvalue()


def _folder_files(path: Path) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    total = 0
    for place in sorted(path.rglob("*")):
        if place.is_symlink():
            raise BundleUnreadable("the bundle holds a link", where=str(place), mend="get it again from its source")
        if place.is_file():
            total += place.stat().st_size
            _refuse_excess(total, path)
            files[place.relative_to(path).as_posix()] = place.read_bytes()
    return files


def _zip_files(archive: zipfile.ZipFile, path: Path) -> dict[str, bytes]:
    members = [member for member in archive.infolist() if not member.is_dir()]
    _refuse_excess(sum(member.file_size for member in members), path)
    if len({member.filename for member in members}) != len(members):
        raise BundleUnreadable("the bundle holds two files of one name", where=str(path), mend="get it again from its source")
    return {member.filename: archive.read(member) for member in members}


def _refuse_excess(total: int, path: Path) -> None:
    if total > MAX_BYTES:
        raise BundleUnreadable(f"the bundle unpacks to more than {MAX_BYTES} bytes", where=str(path), mend="export a part of the log")


def _readme(origin: str, size: int, root: str) -> str:
    return f"""# Evidence bundle of `{origin}`

{size} signed attestations, root `{root}`.

Check it on a machine without network, with a trust root that did not come with this bundle:

    fairlead verify THIS --trust-root trust-root.json

What the check does, so that you can do it with other tools:

1. Each file in `entries/` is a DSSE envelope around an in-toto Statement v1, signed with ed25519 by a key of the trust root.
2. The leaf of entry number i is SHA-256 over 0x00 and the bytes of its file; the tree over all leaves is that of RFC 6962. Its root
   at each size is what the signed tree heads in `checkpoints/` say.
3. Each subject of a Statement is a file in `records/`, whose SHA-256 is the subject's digest. The file is the record as it was signed.
4. `proofs/` holds what is needed to show one entry, or one earlier head, without the rest of the bundle.
5. Heads pinned in the trust root by earlier checks are still part of this log.

What no check of this file alone can see: a history that the holder of the key rewrote from the start, or cut back, before anyone had
pinned a head. So keep the head of every check (`fairlead verify ... --pin`), and compare it with other auditors' heads.
This README is not signed; nothing in it counts.
"""
