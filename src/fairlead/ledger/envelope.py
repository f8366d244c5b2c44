"""Signed envelopes: DSSE (github.com/secure-systems-lab/dsse, protocol v1.0.2) over exact bytes."""

import base64
import binascii
from collections.abc import Mapping

import msgspec

from fairlead.core import canonical_bytes, decode
from fairlead.ledger.errors import SignatureInvalid
from fairlead.ledger.keys import Signer, signature_holds


class Signature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One signature of an envelope."""

    keyid: str
    """A hint only: which key to try; a verifier trusts nothing but its own keys."""
    sig: str
    """Base64 of the signature over the pre-authentication encoding."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A payload and who signed it, as DSSE writes it in JSON."""

    payload: str
    """Base64 of the signed bytes."""
    payload_type: str = msgspec.field(name="payloadType")
    signatures: tuple[Signature, ...]

    def encoded(self) -> bytes:
        """Return the canonical bytes: what the ledger's leaf holds."""
        return canonical_bytes(self)


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return DSSE's pre-authentication encoding: type and payload with their lengths, so that neither can be shifted into the other."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def seal(payload_type: str, payload: bytes, key: Signer) -> Envelope:
    """Sign ``payload`` and put it in an envelope."""
    signature = key.sign(pae(payload_type, payload))
    return Envelope(
        payload=base64.b64encode(payload).decode(),
        payload_type=payload_type,
        signatures=(Signature(keyid=key.key_id, sig=base64.b64encode(signature).decode()),),
    )


def parse_envelope(data: bytes, *, where: str = "") -> Envelope:
    """Read an envelope; its signature is not looked at.

    Raises:
        InvalidInput: The bytes are no DSSE envelope.
    """
    return decode(data, Envelope, where=where)


def payload_of(envelope: Envelope, *, where: str = "") -> bytes:
    """Return the payload without looking at the signature; for showing, never for trusting.

    Raises:
        SignatureInvalid: The payload is not base64.
    """
    try:
        return base64.b64decode(envelope.payload, validate=True)
    except binascii.Error as error:
        raise SignatureInvalid("the payload is not base64", where=where, mend="get the bundle again from its source") from error


def open_envelope(envelope: Envelope, payload_type: str, keys: Mapping[str, bytes], *, where: str = "") -> bytes:
    """Return the payload when a trusted key signed it.

    Args:
        envelope: The envelope.
        payload_type: The only type that is accepted; an envelope of another kind can't be passed off as this one.
        keys: Trusted raw public keys by key id.
        where: What the envelope is, for the error.

    Raises:
        SignatureInvalid: No signature of it holds under a trusted key, or it is of another type.
    """
    payload = payload_of(envelope, where=where)
    if envelope.payload_type != payload_type:
        raise SignatureInvalid(f"the envelope holds {envelope.payload_type}", where=where, mend=f"expected {payload_type}")
    signed = pae(envelope.payload_type, payload)
    for signature in envelope.signatures:
        public = keys.get(signature.keyid)
        if public is not None and signature_holds(public, _bytes_of(signature), signed):
            return payload
    known = any(signature.keyid in keys for signature in envelope.signatures)
    what = "the signature does not hold" if known else "no trusted key signed this"
    raise SignatureInvalid(what, where=where, mend="trust nothing in it; ask its source which key it should be")


def _bytes_of(signature: Signature) -> bytes:
    try:
        return base64.b64decode(signature.sig, validate=True)
    except binascii.Error:
        return b""
