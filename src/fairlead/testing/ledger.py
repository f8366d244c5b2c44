"""A ledger in memory: the same entries, heads and bundles as the stored one, without a database."""

from fairlead.core import canonical_bytes
from fairlead.ledger import (
    Checkpoint,
    Envelope,
    Frontier,
    Kind,
    Log,
    Predicate,
    Signer,
    attest,
    compose,
    leaf_hash,
    peek_statement,
    record_name,
    root_text,
    sign_checkpoint,
)


class MemoryLedger:
    """An append-only log in memory.

    Args:
        origin: Name of the log.
        key: Who signs entries and heads.
    """

    def __init__(self, origin: str, key: Signer) -> None:
        self.origin = origin
        self.key = key
        self.entries: list[bytes] = []
        self.checkpoints: dict[int, bytes] = {}
        self.records: dict[str, bytes] = {}
        self._frontier = Frontier()

    def attest(self, kind: Kind, name: str, record: object, *, predicate: Predicate) -> Envelope:
        """Attest a record, append the attestation, sign the new head."""
        body = canonical_bytes(record)
        envelope = attest(kind, {name: body}, predicate, self.key)
        self.append(envelope, {name: body}, at_us=predicate.at_us)
        return envelope

    def append(self, envelope: Envelope, records: dict[str, bytes], *, at_us: int) -> None:
        """Append an envelope that somebody signed."""
        self.entries.append(envelope.encoded())
        statement = peek_statement(envelope)
        kept = () if statement.predicate.withheld else statement.subject
        self.records |= {record_name(statement, subject): records[subject.name] for subject in kept}
        self._frontier = self._frontier.append(leaf_hash(self.entries[-1]))
        self.checkpoints[self._frontier.size] = sign_checkpoint(self.head(at_us), self.key).encoded()

    def head(self, at_us: int = 0) -> Checkpoint:
        """Return the current tree head."""
        return Checkpoint(origin=self.origin, size=self._frontier.size, root=root_text(self._frontier.root()), at_us=at_us)

    def files(self) -> dict[str, bytes]:
        """Return the files of the log's evidence bundle."""
        return compose(Log(origin=self.origin, entries=dict(enumerate(self.entries)), checkpoints=self.checkpoints, records=self.records))
