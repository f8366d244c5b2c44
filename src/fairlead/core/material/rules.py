"""What governance asks of each record: a table of rules, all of which are told at once."""

import datetime as dt
import ipaddress
import re
import uuid
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import msgspec

from fairlead.core.canonical import digest_bytes
from fairlead.core.material.errors import MaterialInvalid
from fairlead.core.material.model import (
    LICENCES,
    MAX_RETENTION_DAYS,
    NEVER_GENERATED,
    NEVER_TRAINED,
    SEALED_FROM,
    Generator,
    Material,
    Provenance,
)
from fairlead.core.taxonomy import hazards

_PLACEHOLDER = re.compile(r"\{\{HARM:([^{}]*)\}\}")
_NUMBERED = re.compile(r"([a-z_]+)-\d{2}\Z")
_HOST = re.compile(r"(?:https?|ftp)://([^\s/:?#\"'<>)\]]+)|[\w.+-]+@([\w-]+(?:\.[\w-]+)+)", re.IGNORECASE)
_ADDRESS = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")
_RESERVED = re.compile(r"(?:^|\.)(?:example\.(?:com|net|org)|example|test|invalid|localhost)\.?\Z", re.IGNORECASE)
"""RFC 2606 and RFC 6761."""

Breach = tuple[str, str]
"""What is wrong, without content, and how to mend it."""


@cache
def known_hazards() -> frozenset[str]:
    """Return the ids of the taxonomy."""
    return frozenset(hazards())


def day(at_us: int) -> str:
    """Return the day (UTC) of a time.

    Args:
        at_us: Microseconds UTC.
    """
    return dt.datetime.fromtimestamp(at_us / 1_000_000, tz=dt.UTC).date().isoformat()


class _Seen(NamedTuple):
    """A record and the day on which it is looked at."""

    record: Material
    today: str

    @property
    def provenance(self) -> Provenance:
        return self.record.provenance

    @property
    def grave(self) -> bool:
        return self.provenance.harm_level >= SEALED_FROM


def broken_rules(record: Material, *, today: str, where: str) -> list[MaterialInvalid]:
    """Return every rule that a record breaks and no waiver lifts.

    Args:
        record: The record.
        today: The day, such as ``2026-11-25``; what has expired by then is refused.
        where: How errors name the record's place.
    """
    seen = _Seen(record, today)
    return [
        MaterialInvalid(f"{rule}: {what}", where=where, mend=mend)
        for rule, check in RULES.items()
        if not record.waived(rule, today)
        for what, mend in check(seen)
    ]


def _source(seen: _Seen) -> Iterator[Breach]:
    for name, value in (("source", seen.provenance.source), ("author", seen.provenance.author)):
        if not value.strip():
            yield f"`{name}` is empty", "say where the text comes from and who wrote it"


def _licence(seen: _Seen) -> Iterator[Breach]:
    if seen.provenance.licence not in LICENCES:
        yield "the licence is not one that material may have", f"use material under one of {', '.join(sorted(LICENCES))}"


def _hazard(seen: _Seen) -> Iterator[Breach]:
    if not known_hazards().issuperset(seen.record.hazards):
        yield "a hazard is not in the taxonomy", "docs/reference/hazards.md lists them; a benign text has none"


def _generator(seen: _Seen) -> Iterator[Breach]:
    made = seen.provenance.generator
    if isinstance(made, Generator) and not (made.recipe and made.version and (made.model or made.seed is not None)):
        yield "the generator does not say how to get the text again", "give recipe, version, and the seed or the model"


def _forbidden(seen: _Seen) -> Iterator[Breach]:
    generated = bool(seen.provenance.generator) or bool(seen.provenance.mutations)
    if NEVER_GENERATED.intersection(seen.record.hazards) and generated:
        yield "no program and no model writes a text of this hazard", "remove the record; no waiver and no review lifts this"
    if NEVER_TRAINED.intersection(seen.record.hazards) and seen.provenance.split == "train":
        yield "nothing is trained on texts of this hazard", "remove the record; a rule of the policy covers the hazard instead"


def _review(seen: _Seen) -> Iterator[Breach]:
    provenance = seen.provenance
    if seen.grave and provenance.reviewer.strip() in ("", provenance.author.strip()):
        yield f"harm level {provenance.harm_level} needs a reviewer who is not the author", "have a second person review it"
    if seen.grave and not _date(provenance.approved):
        yield f"harm level {provenance.harm_level} needs the day of its review", "give `approved`, such as 2026-11-25"


def _retention(seen: _Seen) -> Iterator[Breach]:
    provenance = seen.provenance
    until, since = _date(provenance.expires), _date(provenance.approved)
    if provenance.expires is not msgspec.UNSET and until is None:
        yield "`expires` is no day", "write it like 2027-11-25"
    if until is not None and seen.today >= until.isoformat():
        yield "the record has expired", "run `fairlead data purge`, or have it reviewed again and give a later day"
    if seen.grave and until is None:
        yield f"harm level {provenance.harm_level} is kept for a limited time", "give `expires`"
    elif seen.grave and until is not None and since is not None and (until - since).days > MAX_RETENTION_DAYS:
        yield f"it would be kept for more than {MAX_RETENTION_DAYS} days after its review", "give an earlier `expires`"


def _sealed(seen: _Seen) -> Iterator[Breach]:
    if seen.grave and not seen.record.sealed:
        yield (
            f"harm level {seen.provenance.harm_level} is never kept in the clear",
            "run `fairlead data seal`, or put a placeholder such as {{HARM:violent_crimes-01}} where the payload stands",
        )
    if seen.record.sealed and not seen.grave:
        yield "only harm levels 2 and 3 are sealed", "keep the text in the clear, so that everybody can review it"


def _placeholder(seen: _Seen) -> Iterator[Breach]:
    for name in _PLACEHOLDER.findall(seen.record.text):
        found = _NUMBERED.match(name)
        if found is None or found[1] not in known_hazards():
            yield "a placeholder is not of the form {{HARM:hazard-00}}", "name a hazard of the taxonomy and two digits"


def _inert(seen: _Seen) -> Iterator[Breach]:
    if not seen.record.hazards:
        return
    hosts = [url or mail for url, mail in _HOST.findall(seen.record.text)]
    if any(not _RESERVED.search(host) and not _reserved_address(host) for host in hosts):
        yield "an attack names a host that exists", "use example.com, or defang it: hxxps://host[.]tld"
    if any(not _reserved_address(found) for found in _ADDRESS.findall(seen.record.text)):
        yield "an attack names an address that exists", "use 192.0.2.x, 198.51.100.x or 203.0.113.x (RFC 5737)"


def _canary(seen: _Seen) -> Iterator[Breach]:
    canary = seen.provenance.canary
    if seen.provenance.split == "held_out" and canary is msgspec.UNSET:
        yield "what is held out carries a canary", "give `canary`, a random UUID"
    if isinstance(canary, str):
        try:
            uuid.UUID(canary)
        except ValueError:
            yield "`canary` is no UUID", "give a random UUID"


def _digest(seen: _Seen) -> Iterator[Breach]:
    text = seen.record.text
    if text and digest_bytes(text.encode("utf-8", "surrogatepass")) != seen.record.digest:
        yield "the digest is not that of the text", "review the text again, then write its digest"


def _waiver(seen: _Seen) -> Iterator[Breach]:
    for waiver in seen.record.waivers:
        if waiver.rule not in RULES or waiver.rule in ("forbidden", "waiver"):
            yield "a waiver lifts a rule that there is not, or that nothing lifts", f"one of {', '.join(RULES)}, without forbidden"
        elif not waiver.reason.strip() or _date(waiver.until) is None:
            yield "a waiver says why, and until which day", "give `reason`, and `until` such as 2027-02-28"


def _date(value: str | msgspec.UnsetType) -> dt.date | None:
    if not isinstance(value, str):
        return None
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        return None


def _reserved_address(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host.strip("[]")).is_global
    except ValueError:
        return False


RULES: dict[str, Callable[[_Seen], Iterator[Breach]]] = {
    "source": _source,
    "licence": _licence,
    "hazard": _hazard,
    "generator": _generator,
    "forbidden": _forbidden,
    "review": _review,
    "retention": _retention,
    "sealed": _sealed,
    "placeholder": _placeholder,
    "inert": _inert,
    "canary": _canary,
    "digest": _digest,
    "waiver": _waiver,
}
"""Name of each rule, as errors and waivers say it."""
