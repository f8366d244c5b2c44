"""Identifiers: a short prefix that says what it names, then 128 random bits."""

import hashlib
import os
from itertools import product
from typing import Literal

Prefix = Literal["x", "d", "t", "run", "case", "inc", "rel", "att", "key", "acc", "ses", "apr", "cap", "aud", "lev", "risk", "rev", "tri"]
"""x Exchange, d Decision, t Trajectory, inc Incident, rel Release, att Attestation, acc Account, ses session, apr approval,
cap sealed capture, aud audit entry, lev lever change, rev Review, tri trial of a policy; the others name themselves."""


def new_id(prefix: Prefix) -> str:
    """Return a new random identifier such as ``x_k3v…`` (26 base32 characters, lower case)."""
    return f"{prefix}_{_base32(os.urandom(16))}"


def derived_id(prefix: Prefix, *parts: str) -> str:
    """Return the identifier that these parts always give.

    A Decision's id is derived from its Exchange, Stage and place, so that a replay names it alike.
    """
    seed = "\x1f".join(parts).encode()
    return f"{prefix}_{_base32(hashlib.blake2b(seed, digest_size=16).digest())}"


_PAIRS = tuple(map("".join, product("abcdefghijklmnopqrstuvwxyz234567", repeat=2)))
"""Two characters of RFC 4648's base32, in lower case, for each ten bits."""


def _base32(data: bytes) -> str:
    """Return 16 bytes as base32 without padding; several ids are made per request, and this takes a third of ``base64.b32encode``."""
    bits = int.from_bytes(data) << 2
    return "".join([_PAIRS[bits >> shift & 1023] for shift in range(120, -1, -10)])
