"""Does the evidence still carry the claim? Law 8: a record that is gone, changed, unsigned or too old carries nothing."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from fairlead.core import FairleadError, decode, digest_bytes
from fairlead.governance.model import Basis, Figure, Ref, Standing, Tier, Unit, unsupported
from fairlead.governance.ports import Evidence, Signed

T = TypeVar("T")

DAY_US = 86_400_000_000
MAX_AGE_DAYS: dict[Tier, int] = {"high": 30, "limited": 90, "minimal": 180}
"""So old may an attested run be, by tier of the System, before what it showed must be shown again."""

_GRAVITY: tuple[Standing, ...] = ("contradicted", "missing", "unsigned", "expired", "no_data", "supported")


class Proven(NamedTuple):
    """What became of one attestation when its record was looked up."""

    signed: Signed
    standing: Standing
    why: str
    body: bytes
    """The record as it stands now; empty when it is gone."""
    expires_us: int

    @property
    def ref(self) -> Ref:
        """The record, as a figure's basis names it."""
        return Ref(kind=self.signed.kind, id=self.signed.subject, digest=self.signed.digest)


def prove(evidence: Evidence, tenant: str, signed: Signed, *, now_us: int, max_age_us: int = 0) -> Proven:
    """Look up the record of an attestation and say whether it still carries a claim.

    Args:
        evidence: Where records are.
        tenant: Whose.
        signed: The attestation.
        now_us: The time of asking.
        max_age_us: So old may it be; 0 means that only its own expiry counts.
    """
    expires = min([at for at in (signed.expires_us, signed.at_us + max_age_us if max_age_us else 0) if at], default=0)
    body = evidence.record(tenant, signed.kind, signed.subject)
    name = signed.subject if signed.subject.startswith(f"{signed.kind}_") else f"{signed.kind} {signed.subject}"
    if not signed.genuine:
        return Proven(signed, "unsigned", f"no trusted key signed {name}", body or b"", expires)
    if body is None:
        return Proven(signed, "missing", f"{name} was signed and is gone", b"", expires)
    if digest_bytes(body) != signed.digest:
        return Proven(signed, "contradicted", f"{name} is no longer what was signed", body, expires)
    if expires and now_us > expires:
        days = (now_us - signed.at_us) // DAY_US
        return Proven(signed, "expired", f"{name} is {days} days old", body, expires)
    return Proven(signed, "supported", "", body, expires)


def read_record(proven: Proven, kind: type[T]) -> T | None:
    """Return the record as its type; None when it is gone or is no such record."""
    try:
        return decode(proven.body, kind, where=proven.signed.subject)
    except FairleadError:
        return None


def carried(proofs: Sequence[Proven], make: Callable[[Basis, int], Figure], *, identity: tuple[str, str, Unit]) -> Figure:
    """Return a figure if every record behind it carries it, else the figure that says which does not.

    Args:
        proofs: The records behind it, at least one.
        make: Computes it from its basis and its expiry.
        identity: Id, label and unit, for the figure that is not supported.
    """
    worst = min(proofs, key=lambda proof: _GRAVITY.index(proof.standing))
    if worst.standing != "supported":
        return unsupported(*identity, standing=worst.standing, why=worst.why)
    expires = min((proof.expires_us for proof in proofs if proof.expires_us), default=0)
    return make(Basis.of([proof.ref for proof in proofs]), expires)
