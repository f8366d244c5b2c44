"""Which overlays apply together: every combination that a request can meet, found before any request comes."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import NamedTuple

from fairlead.core import Problems
from fairlead.policy.errors import PolicyShape
from fairlead.policy.model import PolicyDocument
from fairlead.policy.overlays.model import Overlay, Where

MOST = 64
"""Merged policies of one Release at most; each is compiled ahead and kept in memory."""
_MOST_PLACES = 20_000


class Chooser(NamedTuple):
    """Finds the overlays of a request by one look into a table."""

    tenants: frozenset[str]
    apis: frozenset[str]
    models: frozenset[str]
    regions: Mapping[str, str]
    """Tenant to region."""
    known_regions: frozenset[str]
    table: Mapping[Where, tuple[str, ...]]
    """Every place that a request can come from, to the names of its overlays."""

    def names(self, tenant: str, api: str, model: str, own_region: str) -> tuple[str, ...]:
        """Return the names of the overlays that apply, sorted.

        Args:
            tenant: Who asks.
            api: Which API is spoken; empty where none is.
            model: What the client asks for; empty where nothing is asked for.
            own_region: Region of the installation, for tenants whose region the policy does not say.
        """
        region = self.regions.get(tenant, own_region)
        return self.table[
            Where(
                tenant if tenant in self.tenants else "",
                api if api in self.apis else "",
                model if model in self.models else "",
                region if region in self.known_regions else "",
            )
        ]


def chooser_of(document: PolicyDocument, overlays: Sequence[Overlay], where: str) -> Chooser:
    """Return what chooses among overlays.

    Args:
        document: The base.
        overlays: All of them.
        where: How errors name their folder.

    Raises:
        Problems: There are too many combinations.
    """
    regions = {tenant: region for region, tenants in document.regions.items() for tenant in tenants}
    named = [overlay.document.applies for overlay in overlays]
    tenants = {*regions, *(name for entry in named for name in entry.tenant)}
    apis, models = {name for entry in named for name in entry.api}, {name for entry in named for name in entry.model}
    known = {name for entry in named for name in entry.region}
    count = (len(tenants) + 1) * (len(apis) + 1) * (len(models) + 1) * (len(known) + 1)
    table: dict[Where, tuple[str, ...]] = {}
    if count <= _MOST_PLACES:
        for place in product(*(sorted({*names, ""}) for names in (tenants, apis, models, known))):
            request = Where(*place)
            if request.tenant in regions and request.region != (regions[request.tenant] if regions[request.tenant] in known else ""):
                continue
            table[request] = tuple(overlay.name for overlay in overlays if overlay.applies(request))
    combinations = len({names for names in table.values() if names})
    if count > _MOST_PLACES or combinations > MOST:
        what = f"the overlays make {combinations or 'far too many'} different policies, and {MOST} is the most"
        mend = "put tenants that are treated alike into one overlay"
        raise Problems("the overlays are refused", (PolicyShape(what, where=where, mend=mend),))
    return Chooser(frozenset(tenants), frozenset(apis), frozenset(models), regions, frozenset(known), table)
