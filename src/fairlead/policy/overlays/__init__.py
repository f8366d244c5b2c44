"""Overlays: what a policy says beyond its base for a tenant, route or region. They only tighten, unless a line loosens."""

from fairlead.policy.overlays.documents import OverlayDocument
from fairlead.policy.overlays.merge import Merged, merge
from fairlead.policy.overlays.model import Overlay, Where, read_overlays
from fairlead.policy.overlays.places import MOST, Chooser, chooser_of

__all__ = ["MOST", "Chooser", "Merged", "Overlay", "OverlayDocument", "Where", "chooser_of", "merge", "read_overlays"]
