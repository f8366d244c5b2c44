"""E-mail addresses, as strictly as a boundary needs: what is not plainly an address counts as outside."""

import re
from collections.abc import Iterable

OUTSIDE = ""
"""Stands for the domain of anything that is not exactly a plain address."""

_ADDRESS = re.compile(r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@((?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9])", re.ASCII)
_NAMED = re.compile(r"(?:\"[\w .'&()-]*\"|[\w .'&()-]*) ?<([^<>]*)>")
"""A display name (no ``@``, comma, quote or bracket inside) and what stands in the brackets."""


def addresses(text: str) -> list[str] | None:
    """Return the plain addresses of one text, lower-case, without display names.

    Args:
        text: One address or several, parted by commas or semicolons.

    Returns:
        The addresses; an empty list for a blank text; None when any part is not exactly an address: quoted local parts, ``%`` and
        ``!`` routing, comments, a second ``@``, line breaks, anything beyond ASCII in the address itself.
    """
    if not text.strip(" "):
        return []
    found: list[str] = []
    for part in re.split("[,;]", text):
        entry = part.strip(" ")
        named = _NAMED.fullmatch(entry)
        address = (named[1] if named else entry).lower()
        if not _ADDRESS.fullmatch(address):
            return None
        found.append(address)
    return found


def domains(texts: Iterable[object]) -> frozenset[str]:
    """Return the domains of all addresses of an argument; :data:`OUTSIDE` among them for whatever is no plain address."""
    out: set[str] = set()
    for text in texts:
        found = addresses(text) if isinstance(text, str) else None
        if found is None:
            out.add(OUTSIDE)
        else:
            out.update(address.partition("@")[2] for address in found)
    return frozenset(out)
