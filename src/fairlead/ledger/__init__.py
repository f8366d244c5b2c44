"""The append-only Merkle log of signed attestations, and its verification offline.

Nothing here speaks SQL: an auditor's machine needs no store. The log's tables are in ``fairlead.ledger.records``.
"""

from fairlead.ledger.bundle import Log, compose, read_files, record_name, write_files
from fairlead.ledger.envelope import Envelope, open_envelope, pae, parse_envelope, seal
from fairlead.ledger.errors import (
    BundleExists,
    BundleUnreadable,
    RecordMismatch,
    SignatureInvalid,
    SigningKeyMissing,
    SigningKeyUnsafe,
    TrustRootInvalid,
)
from fairlead.ledger.keys import Signer, SigningKey, ensure_key, ephemeral_key, generate_key, key_id, load_key
from fairlead.ledger.merkle import EMPTY_ROOT, Frontier, Head, Tree, leaf_hash, node_hash, verify_consistency, verify_inclusion
from fairlead.ledger.statement import (
    KINDS,
    Checkpoint,
    Fact,
    Kind,
    Predicate,
    Statement,
    Subject,
    attest,
    peek_statement,
    predicate_type,
    read_checkpoint,
    read_statement,
    root_text,
    sign_checkpoint,
)
from fairlead.ledger.tampering import Problem, Tampering
from fairlead.ledger.trust import Pin, TrustedKey, TrustRoot, load_trust_root, make_trust_root, parse_trust_root, save_trust_root
from fairlead.ledger.verify import Report, Verified, verify_bundle, verify_files

__all__ = [
    "EMPTY_ROOT",
    "KINDS",
    "BundleExists",
    "BundleUnreadable",
    "Checkpoint",
    "Envelope",
    "Fact",
    "Frontier",
    "Head",
    "Kind",
    "Log",
    "Pin",
    "Predicate",
    "Problem",
    "RecordMismatch",
    "Report",
    "SignatureInvalid",
    "Signer",
    "SigningKey",
    "SigningKeyMissing",
    "SigningKeyUnsafe",
    "Statement",
    "Subject",
    "Tampering",
    "Tree",
    "TrustRoot",
    "TrustRootInvalid",
    "TrustedKey",
    "Verified",
    "attest",
    "compose",
    "ensure_key",
    "ephemeral_key",
    "generate_key",
    "key_id",
    "leaf_hash",
    "load_key",
    "load_trust_root",
    "make_trust_root",
    "node_hash",
    "open_envelope",
    "pae",
    "parse_envelope",
    "parse_trust_root",
    "peek_statement",
    "predicate_type",
    "read_checkpoint",
    "read_files",
    "read_statement",
    "record_name",
    "root_text",
    "save_trust_root",
    "seal",
    "sign_checkpoint",
    "verify_bundle",
    "verify_consistency",
    "verify_files",
    "verify_inclusion",
    "write_files",
]
