"""Hazards, as data: what could be wrong, and which entries of public frameworks speak of the same.

The crosswalk is a help for readers of reports; no detector, rule or score depends on it.
"""

from importlib.resources import files
from typing import Literal

import msgspec

from fairlead.core import decode

__all__ = ["Framework", "Group", "Hazard", "Taxonomy", "hazards", "taxonomy"]

Group = Literal["data", "control", "quality", "content"]
"""Data that goes where it may not; control over the model that somebody takes; answers that aren't true; content that harms."""


class Framework(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A public framework, with the entries that exist in the named version (of ATLAS: those that are used)."""

    id: str
    name: str
    version: str
    url: str
    entries: dict[str, str]
    """Id of each entry to its title."""


class Hazard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that could be wrong."""

    id: str
    """What policies, findings, cases and incidents say."""
    group: Group
    name: str
    definition: str
    crosswalk: dict[str, tuple[str, ...]]
    """Id of a framework to the ids of its entries that speak of the same; related, never equal."""


class Taxonomy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All hazards, and the frameworks that they are related to."""

    frameworks: tuple[Framework, ...]
    hazards: tuple[Hazard, ...]


def taxonomy() -> Taxonomy:
    """Return the shipped taxonomy."""
    file = files("fairlead.core.taxonomy") / "hazards.json"
    return decode(file.read_bytes(), Taxonomy, where=file.name)


def hazards() -> dict[str, Hazard]:
    """Return the shipped hazards by id, in the order of the reference page."""
    return {hazard.id: hazard for hazard in taxonomy().hazards}
