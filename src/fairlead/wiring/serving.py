"""Serving: what decides about an Exchange from its beginning to its end."""

from collections.abc import Callable, Mapping

import msgspec

from fairlead.agents import Broker
from fairlead.detectors import Operators
from fairlead.guard import Ports
from fairlead.policy import Release


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """A Release and the ports that belong to it; swapped as one, kept by every Exchange that started with it."""

    release: Release
    ports: Ports
    broker: Broker
    """The one that answers for the ports, for doors that also see the results of calls."""
    retrieval_tools: frozenset[str]
    variants: Mapping[tuple[str, ...], "Serving"] = {}
    """The merged policies of the Release, by the names of their overlays."""
    misplaced: bool = False
    """True when the records of such an Exchange may not be kept where this installation keeps them: then there is none."""
    operators: Callable[[str], Operators]
    """Tenant to what redacts for it, under a key of its own (law 9)."""


def with_variants(release: Release, serve: Callable[[Release], Serving]) -> Serving:
    """Return what decides by a Release and by each of its merged policies, all of them built before any is used.

    Args:
        release: A base.
        serve: Builds what decides by one policy.
    """
    variants = {names: serve(variant) for names, variant in release.variants.items()}
    return msgspec.structs.replace(serve(release), variants=variants) if variants else serve(release)
