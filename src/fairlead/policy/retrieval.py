"""``retrieval`` of a policy: which retrieved documents a model may see."""

import re
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError


def _days(value: object) -> object:
    """Read ``90d``."""
    match = re.match(r"([1-9][0-9]{0,4})d\Z", value) if isinstance(value, str) else None
    if match is None:
        raise PydanticCustomError("days", "this is no number of days", {"mend": "write 90d"})
    return int(match[1])


def _listed(value: object) -> object:
    """Let one source stand for a list of one."""
    return tuple(value) if isinstance(value, list) else (value,)


Source: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Sources: TypeAlias = Annotated[tuple[Source, ...], BeforeValidator(_listed)]


class RequireDocument(BaseModel):
    """What must be known of a retrieved document, and be so."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    acl: Literal["user"] | None = None
    """``user``: the document's readers name the user who asks, or a group of his."""
    tenant: Literal["own"] | None = None
    """``own``: it is of the tenant who asks."""
    fresh: Annotated[int, BeforeValidator(_days)] | None = None
    """It was changed in the last so many days."""


class RetrievalDocument(BaseModel):
    """Which retrieved documents a model may see; one of which too little is known is withheld."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    sources: Sources = ()
    """Sources that may be used; without it all may."""
    require: RequireDocument = RequireDocument()
    copies: Annotated[int, Field(ge=1)] | None = None
    """How many near-copies of one text may be used at once."""
    canaries: Sources = ()
    """Sources of planted documents that no honest question finds: they are withheld, and are a finding."""
