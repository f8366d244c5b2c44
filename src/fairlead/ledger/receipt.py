"""Coverage receipts: of one Exchange, which text was looked at by which detector and version, which was not, and why; signed.

A receipt holds paths, lengths, detectors and reasons, and no content. It is signed like every other record (an in-toto Statement in a
DSSE envelope) and stands alone: it is checked with a trust root, offline, without a bundle.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from fairlead.core import Action, Coverage, Decision, InvalidInput, Mode, Stage, State, canonical_bytes, decode, digest
from fairlead.ledger.envelope import Envelope
from fairlead.ledger.errors import RecordMismatch
from fairlead.ledger.keys import Signer
from fairlead.ledger.statement import Predicate, attest, read_statement
from fairlead.ledger.trust import TrustRoot


class Looked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What one Decision says of the texts of its Stage."""

    decision: str
    stage: Stage
    at_us: int
    release: str
    """Digest of all that decided: the policy, thresholds and detectors."""
    action: Action
    mode: Mode = "enforce"
    state: State = "final"
    """``interrupted`` when a stream broke off, ``bypassed`` when the guard failed and the policy is fail-open."""
    rule: str = ""
    coverage: tuple[Coverage, ...] = ()


class Receipt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was looked at in one Exchange, and what was not."""

    exchange: str
    tenant: str
    origin: str
    """The tenant's log, as its trust root names it."""
    system: str
    decisions: tuple[Looked, ...]

    @property
    def gaps(self) -> tuple[Coverage, ...]:
        """What some detector did not look at: skipped, errored or timed out, with the reason."""
        return tuple(entry for looked in self.decisions for entry in looked.coverage if entry.status != "ran")

    @property
    def whole(self) -> bool:
        """True when every Decision came to its end and no detector failed; one that had nothing to do is no failure."""
        ended = all(looked.state == "final" for looked in self.decisions)
        return ended and all(entry.status == "skipped" for entry in self.gaps)


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: Literal[1]
    receipt: Receipt
    attestation: Envelope


def receipt_of(decisions: Sequence[Decision], origin: str) -> Receipt:
    """Return the receipt of an Exchange.

    Args:
        decisions: All of it, in the order in which they were made; at least one.
        origin: The tenant's log, as its trust root names it.

    Raises:
        RecordMismatch: They are of several Exchanges or tenants, or there is none.
    """
    if len({(one.exchange, one.tenant) for one in decisions}) != 1:
        raise RecordMismatch("a receipt is about one Exchange of one tenant", mend="give all Decisions of that Exchange, and no others")
    first = decisions[0]
    return Receipt(
        exchange=first.exchange, tenant=first.tenant, origin=origin, system=first.system, decisions=tuple(map(_looked, decisions))
    )


def sign_receipt(receipt: Receipt, key: Signer, at_us: int) -> bytes:
    """Return the file of a signed receipt.

    Args:
        receipt: The receipt.
        key: Who says it.
        at_us: When it is said, microseconds UTC.
    """
    said = Predicate(at_us=at_us, tenant=receipt.tenant, system=receipt.system)
    envelope = attest("receipt", {receipt.exchange: canonical_bytes(receipt)}, said, key)
    return msgspec.json.format(canonical_bytes(_File(format=1, receipt=receipt, attestation=envelope)), indent=2) + b"\n"


def read_receipt(data: bytes, trust: TrustRoot, *, where: str = "") -> Receipt:
    """Return a receipt that a trusted key signed for the log of the trust root.

    Args:
        data: What :func:`sign_receipt` gave.
        trust: Kept apart from the receipt.
        where: What the bytes are, for the error.

    Raises:
        InvalidInput: It is no receipt.
        SignatureInvalid: No trusted key signed it.
        RecordMismatch: What is signed is not what it says, or it is of another log.
    """
    try:
        file = decode(data, _File, where=where)
    except InvalidInput as error:
        # The decoder's message may quote what stands there.
        raise InvalidInput("this is no receipt", where=where, mend="make one with `fairlead receipt make`") from error
    receipt = file.receipt
    statement = read_statement(file.attestation, trust.public_keys(), where=where)
    signed = {subject.name: subject.reference for subject in statement.subject}
    if statement.kind != "receipt" or signed != {receipt.exchange: digest(receipt)} or statement.predicate.tenant != receipt.tenant:
        raise RecordMismatch("the receipt is not what was signed", where=where, mend="trust nothing in it; get it again from its source")
    if receipt.origin != trust.origin:
        mend = f"use the trust root of {receipt.origin}"
        raise RecordMismatch(f"the receipt is of another log than {trust.origin}", where=where, mend=mend)
    return receipt


def _looked(decision: Decision) -> Looked:
    return Looked(
        decision=decision.id,
        stage=decision.stage,
        at_us=decision.at_us,
        release=decision.release,
        action=decision.action,
        mode=decision.mode,
        state=decision.state,
        rule=decision.rule,
        coverage=decision.coverage,
    )
