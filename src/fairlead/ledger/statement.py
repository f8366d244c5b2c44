"""What is signed: in-toto Statements about records, and checkpoints (tree heads) of the log."""

import base64
from collections.abc import Mapping
from typing import Literal, get_args

import msgspec

from fairlead.core import InvalidInput, canonical_bytes, decode, digest_bytes
from fairlead.ledger.envelope import Envelope, open_envelope, payload_of, seal
from fairlead.ledger.errors import RecordMismatch
from fairlead.ledger.keys import Signer
from fairlead.ledger.merkle import Head

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
STATEMENT_PAYLOAD = "application/vnd.in-toto+json"
CHECKPOINT_PAYLOAD = "application/vnd.fairlead.checkpoint+json"
PREDICATES = "https://fairlead.readthedocs.io/attestation/"

Kind = Literal["run", "gate", "release", "containment", "case", "review", "receipt"]
"""What is attested: one execution of a Suite; the answers of a gate; a policy Release; a lever that was pulled and probed;
a regression Case; a Review by a person; what was looked at in one Exchange."""

KINDS: tuple[Kind, ...] = get_args(Kind)
Fact = str | int | float | bool | None


class Subject(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The record that a Statement is about."""

    name: str
    """The record's id."""
    digest: dict[str, str]
    """``{"sha256": hex}`` of the record's canonical bytes."""

    @property
    def reference(self) -> str:
        """The digest as Fairlead writes it: ``sha256:`` and hex."""
        return f"sha256:{self.digest.get('sha256', '')}"


class Predicate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is said of the record; the record itself holds the rest."""

    at_us: int
    """When it was said, microseconds UTC."""
    tenant: str
    system: str = ""
    outcome: str = ""
    """``PASS``, ``FAIL``, … where the record has one."""
    expires_us: int = 0
    """After this time it supports no claim; 0 means never."""
    withheld: bool = False
    """The record holds content and stays with its owner: the log has its digest, a bundle does not have the record."""
    facts: dict[str, Fact] = {}
    """Other digests and figures that tie it to its neighbours: suite, release, target, counts."""


class Statement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An in-toto Statement, version 1."""

    type: str = msgspec.field(name="_type")
    subject: tuple[Subject, ...]
    predicate_type: str = msgspec.field(name="predicateType")
    predicate: Predicate

    @property
    def kind(self) -> str:
        """``run``, ``gate``, …: the predicate type without its prefix and version."""
        return self.predicate_type.removeprefix(PREDICATES).partition("/")[0]


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A signed tree head: at this time the log of this origin had this size and this root."""

    origin: str
    """Which log: one for each tenant, so that no bundle tells of another tenant."""
    size: int
    root: str
    """``sha256:`` and hex."""
    at_us: int

    @property
    def head(self) -> Head:
        """Size and root as the Merkle functions want them."""
        return Head(self.size, root_bytes(self.root))


def predicate_type(kind: Kind) -> str:
    """Return the URI of a kind of attestation."""
    return f"{PREDICATES}{kind}/v1"


def attest(kind: Kind, subjects: Mapping[str, bytes], predicate: Predicate, key: Signer) -> Envelope:
    """Sign a statement about records.

    Args:
        kind: What is attested.
        subjects: Canonical bytes of each record, by the record's id.
        predicate: What is said of them.
        key: Who says it.

    Raises:
        RecordMismatch: There is no record to attest.
    """
    if not subjects:
        raise RecordMismatch("an attestation needs a record", mend="give the canonical bytes of the record that it is about")
    statement = Statement(
        type=STATEMENT_TYPE,
        subject=tuple(Subject(name=name, digest={"sha256": _hex(record)}) for name, record in sorted(subjects.items())),
        predicate_type=predicate_type(kind),
        predicate=predicate,
    )
    return seal(STATEMENT_PAYLOAD, canonical_bytes(statement), key)


def read_statement(envelope: Envelope, keys: Mapping[str, bytes], *, where: str = "") -> Statement:
    """Return the statement of an envelope that a trusted key signed.

    Raises:
        SignatureInvalid: No trusted key signed it.
        InvalidInput: It is signed, but no Statement of version 1.
    """
    return _statement(open_envelope(envelope, STATEMENT_PAYLOAD, keys, where=where), where)


def peek_statement(envelope: Envelope, *, where: str = "") -> Statement:
    """Return the statement without looking at the signature; for the log's own index and for showing.

    Raises:
        SignatureInvalid: The payload is not base64.
        InvalidInput: It is no Statement of version 1.
    """
    return _statement(payload_of(envelope, where=where), where)


def sign_checkpoint(checkpoint: Checkpoint, key: Signer) -> Envelope:
    """Sign a tree head."""
    return seal(CHECKPOINT_PAYLOAD, canonical_bytes(checkpoint), key)


def read_checkpoint(envelope: Envelope, keys: Mapping[str, bytes], *, where: str = "") -> Checkpoint:
    """Return the tree head of an envelope that a trusted key signed.

    Raises:
        SignatureInvalid: No trusted key signed it.
        InvalidInput: It is signed, but no checkpoint.
    """
    return decode(open_envelope(envelope, CHECKPOINT_PAYLOAD, keys, where=where), Checkpoint, where=where)


def root_text(root: bytes) -> str:
    """Return a tree hash as records write it."""
    return f"sha256:{root.hex()}"


def root_bytes(text: str) -> bytes:
    """Return the bytes of a tree hash that :func:`root_text` wrote.

    Raises:
        InvalidInput: It is not ``sha256:`` and 64 hex digits.
    """
    try:
        root = bytes.fromhex(text.removeprefix("sha256:"))
    except ValueError:
        root = b""
    if len(root) != 32:
        raise InvalidInput("a tree hash is not sha256: and 64 hex digits", mend="export the bundle again")
    return root


def encode_public(public: bytes) -> str:
    """Return a raw public key in base64."""
    return base64.b64encode(public).decode()


def _statement(payload: bytes, where: str) -> Statement:
    statement = decode(payload, Statement, where=where)
    if statement.type != STATEMENT_TYPE:
        raise InvalidInput(f"the payload is {statement.type}", where=where, mend=f"expected {STATEMENT_TYPE}")
    return statement


def _hex(record: bytes) -> str:
    return digest_bytes(record).removeprefix("sha256:")
