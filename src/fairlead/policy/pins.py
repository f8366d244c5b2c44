"""Pins: the digests of the tool definitions that an operator reviewed, in ``mcp-pins.json`` beside the policy.

They belong to the Release, so an approval that is bound to the Release is bound to the definition of its tool too.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from fairlead.core import canonical_bytes, decode

PINS_FILE = "mcp-pins.json"
Digest = Annotated[str, msgspec.Meta(pattern=r"^sha256:[0-9a-f]{64}\Z")]


class Pins(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Server to tool to the digest of its whole definition, as the server gave it when it was pinned."""

    version: Literal[1] = 1
    servers: Mapping[str, Mapping[str, Digest]] = {}

    def of(self, server: str, tool: str) -> str:
        """Return the digest that a server's tool must have; empty when it is not pinned."""
        return self.servers.get(server, {}).get(tool, "")


def read_pins(text: str) -> Pins:
    """Read the file of pins; an empty text pins nothing.

    Raises:
        InvalidInput: It is damaged.
    """
    return decode(text, Pins, where=PINS_FILE) if text else Pins()


def write_pins(pins: Pins) -> str:
    """Return the text of the file, made for reading and for comparing in a review."""
    return msgspec.json.format(canonical_bytes(pins), indent=2).decode() + "\n"
