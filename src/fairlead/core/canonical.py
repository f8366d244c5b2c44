"""Canonical bytes: one value, one spelling, so that hashes and signatures mean something.

JSON as RFC 8785 (JCS) does it for the values that Fairlead's records hold: keys sorted, no spaces, UTF-8.
Two restrictions keep it exact without a number formatter of our own: keys are ASCII, and non-finite floats are refused.
"""

import hashlib
from typing import TypeVar

import msgspec

from fairlead.core.errors import InvalidInput

T = TypeVar("T")

_encoder = msgspec.json.Encoder(order="sorted")


def canonical_bytes(value: object) -> bytes:
    """Return the canonical JSON of a record.

    Args:
        value: A msgspec Struct or plain JSON value.

    Returns:
        UTF-8 bytes; equal values give equal bytes on every platform.

    Raises:
        InvalidInput: The value can't be expressed in JSON.
    """
    try:
        return _encoder.encode(value)
    except (TypeError, ValueError, msgspec.MsgspecError) as error:
        what = f"a value of type {type(value).__name__} has no canonical form"
        raise InvalidInput(what, mend="pass plain JSON values or frozen Structs") from error


def digest(value: object) -> str:
    """Return ``sha256:`` and the hex digest of the canonical bytes of ``value``."""
    return digest_bytes(canonical_bytes(value))


def digest_bytes(data: bytes) -> str:
    """Return ``sha256:`` and the hex digest of ``data``."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def decode(data: bytes | str, kind: type[T], *, where: str = "") -> T:
    """Decode JSON into a frozen type; the only door from bytes to records.

    Args:
        data: JSON text.
        kind: The Struct (or plain type) to decode into; unknown fields are refused where the Struct says so.
        where: What the bytes are, for the error message.

    Raises:
        InvalidInput: The bytes are not JSON, or not of that shape.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.MsgspecError as error:
        raise InvalidInput(str(error), where=where, mend=f"give valid JSON of the shape {kind.__name__}") from error
    except UnicodeDecodeError as error:
        raise InvalidInput("the bytes are not valid UTF-8", where=where, mend="send UTF-8") from error
