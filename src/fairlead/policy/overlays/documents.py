"""An overlay's file: for whom it is, and what it changes."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from fairlead.core import Action, Mode
from fairlead.policy.base import Document, Name, Names, Score, Share, Text, listed, sequence
from fairlead.policy.limits import LimitsDocument
from fairlead.policy.model import Stages
from fairlead.wire import APIS

Texts = Annotated[tuple[Text, ...], BeforeValidator(listed)]


class ForDocument(Document):
    """Whose requests an overlay is for; all that is said must hold."""

    tenant: Names = ()
    api: Names = ()
    """APIs that the request comes by."""
    model: Texts = ()
    """Models that the client asks for."""
    region: Names = ()
    """Regions of the tenant, by the base's ``regions``; of a tenant who stands in none, that of the installation."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.tenant or self.api or self.model or self.region):
            mend = "name a tenant, api, model or region, or write it into the base"
            raise PydanticCustomError("overlay", "the overlay is for nobody", {"mend": mend})
        if unknown := sorted(set(self.api) - set(APIS)):
            raise PydanticCustomError("overlay", "there is no API '{name}'", {"name": unknown[0], "mend": f"known: {', '.join(APIS)}"})
        return self


class RulePatch(Document):
    """A rule of the base, changed; or a whole rule with an id of its own, added."""

    id: Name
    at: Stages | None = None
    do: Action | None = None
    hazard: Name | None = None
    entity: Names | None = None
    detector: Names | None = None
    threshold: Score | None = None
    max_fpr: Share | None = None
    say: Name | None = None
    replacement: Text | None = Field(default=None, alias="with")
    operator: str | None = None
    to: Name | None = None
    mode: Mode | None = None
    near_miss_band: Score | None = None


class PatchDocument(Document):
    """What an overlay changes."""

    mode: Mode | None = None
    capture: Literal["none", "sealed_on_finding", "sealed_sample"] | None = None
    capture_share: Score | None = None
    unknown: Literal["block", "scan", "allow"] | None = None
    hold_cap: Literal["block", "pass"] | None = None
    on_error: Literal["closed", "open"] | None = None
    rules: Annotated[tuple[RulePatch, ...], BeforeValidator(sequence)] = ()
    deny: Names = ()
    """Tools that may not be called at all."""
    limits: LimitsDocument | None = None
    upstreams: Names | None = None
    """Upstreams that may be asked; no other is."""
    store: Names | None = None
    """Regions in which an installation may keep the records."""
    retention_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    messages: dict[Name, Text] = Field(default={})


class LoosenDocument(PatchDocument):
    """What an overlay makes milder than the base, and why."""

    reason: Annotated[str, Field(min_length=8, max_length=400)]


class OverlayDocument(PatchDocument):
    """A whole file of the folder ``overlays``."""

    fairlead: Literal[1]
    overlay: Name
    applies: ForDocument = Field(alias="for")
    loosen: Annotated[tuple[LoosenDocument, ...], BeforeValidator(sequence)] = ()
