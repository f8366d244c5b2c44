"""What may stand in place of an entity: a mask, its end, a keyed hash, a placeholder, a pseudonym, a made-up value of the same kind.

Pure: the same text under the same key gives the same replacement, so a stream and a whole text agree (law 2). A pseudonym can be undone
by whoever holds the vault; nothing else can be undone.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from fairlead.detectors.made import ALPHABETS, Source
from fairlead.detectors.model import Cluster, Pattern

OperatorName = Literal["placeholder", "mask", "partial", "hash", "pseudonym", "synthetic"]
"""What a rule may ask for."""
_SHOWN = 4
"""Characters that ``partial`` leaves."""
_LEAST = 8
"""Letters and digits that a text must have for ``partial`` to leave any."""
_DRAWS = 3000
"""So many values are made up until one passes the check of its entity."""


class Vault(Protocol):
    """Takes what pseudonyms stand for, to keep it for one tenant and scope, and never in a log."""

    def keep(self, pseudonym: str, value: str) -> None:
        """Keep a value under its pseudonym."""
        ...


class Operators(NamedTuple):
    """Replaces entities under one key.

    A key belongs to one tenant: two tenants' hashes and pseudonyms of one value don't meet (law 9).
    """

    key: bytes
    """Empty for none: a placeholder stands there instead of a hash that anybody could compute."""
    patterns: Sequence[Pattern] = ()
    """What a made-up value must pass; those of the scanner that found the entity."""
    vault: Vault | None = None
    scope: str = ""
    """Within what a value has one pseudonym."""

    def replace(self, operator: OperatorName, entity: str, value: str) -> str:
        """Return what stands in place of a value.

        Args:
            operator: How.
            entity: What it is.
            value: The text that was found.
        """
        if operator in ("mask", "partial"):
            return _masked(value, _SHOWN if operator == "partial" and sum(map(str.isalnum, value)) >= _LEAST else 0)
        if not self.key:
            return placeholder(entity)
        made = {"hash": self._hash, "pseudonym": self._pseudonym, "synthetic": self._synthetic}.get(operator)
        return placeholder(entity) if made is None else made(entity, value)

    def _hash(self, entity: str, value: str) -> str:
        return f"[{entity.upper()}:{_digest(self.key, entity, value).hex()[:16]}]"

    def _pseudonym(self, entity: str, value: str) -> str:
        scoped = hmac.digest(self.key, self.scope.encode("utf-8", "surrogatepass"), hashlib.sha256)
        name = f"{entity.upper()}_{base64.b32encode(_digest(scoped, entity, value)).decode()[:16]}"
        if self.vault is not None:
            self.vault.keep(name, value)
        return name

    def _synthetic(self, entity: str, value: str) -> str:
        """Return a value of the same shape that passes the same check; a placeholder where none can be drawn, as for long checksums."""
        if entity == "email":
            return f"user-{_digest(self.key, entity, value).hex()[:10]}@example.com"
        own = [pattern for pattern in self.patterns if pattern.name == entity]
        source = Source(_digest(self.key, entity, value))
        for _ in range(_DRAWS if own else 1):
            drawn = value[:2] + "".join(_like(character, source) for character in value[2:])
            if drawn != value and (not own or any(_passes(pattern, drawn) for pattern in own)):
                return drawn
        return placeholder(entity)


def placeholder(entity: str) -> str:
    """Return the typed placeholder of an entity, such as ``[EMAIL]``."""
    return f"[{entity.upper()}]"


def redact(text: str, clusters: Sequence[Cluster], operators: Operators, operator: OperatorName) -> str:
    """Return a text with its entities replaced; of overlapping ones the union, by a placeholder unless they are all of one entity.

    Args:
        text: The text.
        clusters: What a scanner found in it.
        operators: With which key.
        operator: How.
    """
    out, position = "", 0
    for start, end, entities in _unions(clusters):
        how: OperatorName = operator if len(entities) == 1 else "placeholder"
        out += text[position:start] + operators.replace(how, entities[0], text[start:end])
        position = end
    return out + text[position:]


def _digest(key: bytes, entity: str, value: str) -> bytes:
    return hmac.digest(key, f"{entity}\0{value}".encode("utf-8", "surrogatepass"), hashlib.sha256)


def _unions(clusters: Sequence[Cluster]) -> list[tuple[int, int, list[str]]]:
    out: list[tuple[int, int, list[str]]] = []
    for hit in sorted((hit for cluster in clusters for hit in cluster.hits), key=lambda hit: (hit.start, -hit.end)):
        if out and hit.start < out[-1][1]:
            start, end, entities = out[-1]
            out[-1] = (start, max(end, hit.end), list(dict.fromkeys([*entities, hit.entity])))
        else:
            out.append((hit.start, hit.end, [hit.entity]))
    return out


def _masked(value: str, shown: int) -> str:
    left = sum(map(str.isalnum, value)) - shown
    out = ""
    for character in value:
        if character.isalnum():
            out += "*" if left > 0 else character
            left -= 1
        else:
            out += character
    return out


def _like(character: str, source: Source) -> str:
    for kind in ("d", "L", "l"):
        if character in ALPHABETS[kind]:
            return source.text(ALPHABETS[kind], 1)
    return character


def _passes(pattern: Pattern, value: str) -> bool:
    match = re.search(pattern.expression, value, re.ASCII)
    return match is not None and match.span() == (0, len(value)) and (pattern.validator is None or pattern.validator(value) == len(value))
