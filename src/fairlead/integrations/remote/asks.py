"""What is sent and what comes back, as bytes: adapters build and read these and do no I/O."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from fairlead.core import InvalidInput, Origin, canonical_bytes
from fairlead.detectors.remote import Remote

Scores = dict[str, float]
"""Label of the model or service to its score, 0 to 1."""


class Piece(NamedTuple):
    """One piece of a text, as an adapter is given it."""

    remote: Remote
    text: str
    origin: Origin


class HttpAsk(NamedTuple):
    """One POST of JSON."""

    url: str
    body: bytes
    key_header: str = "authorization"
    """Header that carries the key; ``authorization`` carries it as a bearer token."""


class Adapter(NamedTuple):
    """How one kind of remote detector is asked, and what its answers mean."""

    ask: Callable[[Piece], Sequence[HttpAsk]]
    read: Callable[[Piece, Sequence[bytes]], Scores]
    """Raises InvalidInput for an answer that it can't read: that is a failure, never a pass."""


def post(remote: Remote, path: str, body: object, key_header: str = "authorization") -> HttpAsk:
    """Return a POST below the detector's base URL."""
    return HttpAsk(remote.base_url + path, canonical_bytes(body), key_header)


def unreadable() -> InvalidInput:
    """Return the error for an answer whose verdict can't be found; it holds nothing of the answer."""
    return InvalidInput("the verdict is not in the answer", mend="check that the model is of the kind that the policy says")


_FRAME = re.compile(r"<(?=\||/?(?:start_of|end_of|think|score|s>|bos>|eos>|pad>))|\[(?=/?INST\])", re.IGNORECASE)


def unframed(text: str) -> str:
    """Return a text that can't close the frame it is put into: a space breaks what a model's template would read as a control token.

    Args:
        text: What somebody else wrote.
    """
    return _FRAME.sub(lambda found: f"{found[0]} ", text)
