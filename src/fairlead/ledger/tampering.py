"""The ways in which a bundle can be tampered with, by name."""

from typing import Literal

import msgspec

Tampering = Literal[
    "edited",
    "deleted",
    "inserted",
    "reordered",
    "truncated",
    "forked",
    "replaced",
    "bad-signature",
    "record-changed",
    "record-missing",
    "unattested",
    "bad-proof",
    "wrong-log",
    "no-head",
]
"""- ``edited``: an entry is not the one that was logged; ``deleted``: one is gone from the middle; ``inserted``: one was never logged;
- ``reordered``: entries stand at each other's places; ``truncated``: the end is gone;
- ``forked``: two histories were signed that share a beginning; ``replaced``: the whole chain is another one;
- ``bad-signature``: no trusted key signed it; ``no-head``: a tree head that is needed is not there; ``wrong-log``: a head of another log;
- ``record-changed``, ``record-missing``: a record is not, or is no longer, what was signed; ``unattested``: nothing vouches for a file;
- ``bad-proof``: a proof does not prove what it should."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was found."""

    kind: Tampering
    where: str
    """The file of the bundle."""
    what: str
    """One sentence, without content of any record."""
