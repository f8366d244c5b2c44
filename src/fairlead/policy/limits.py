"""``limits:`` of a policy: what each API key, tenant, user and tool may spend."""

from typing import Annotated, Self, TypeAlias

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from fairlead.policy.base import Document, Name, Text

Ceiling: TypeAlias = Annotated[int, Field(ge=1, le=10**15)]
Money: TypeAlias = Annotated[float, Field(ge=0, le=10**6)]


class CeilingsDocument(Document):
    """What one subject may spend."""

    requests_per_minute: Ceiling | None = None
    tokens_per_day: Ceiling | None = None
    cost_per_day: Annotated[float, Field(gt=0, le=10**9)] | None = None
    """In the currency of the prices."""


class ToolLimitsDocument(Document):
    """How often one tenant's agents may call a tool."""

    calls_per_hour: Ceiling


class PerDocument(Document):
    """Budgets of others than the API key."""

    tenant: CeilingsDocument = CeilingsDocument()
    user: CeilingsDocument = CeilingsDocument()
    """The application's own user, as it names him; requests that name none share one budget."""
    tool: dict[Name, ToolLimitsDocument] = Field(default={})


class PriceDocument(Document):
    """What a million tokens of a model cost."""

    read: Money = Field(alias="in")
    written: Money = Field(alias="out")


class LimitsDocument(CeilingsDocument):
    """Budgets of each API key, and of others."""

    per: PerDocument = PerDocument()
    cost_per_million: dict[Text, PriceDocument] = Field(default={})
    """Model to its prices; one that is not there costs as much as the dearest."""

    @property
    def subjects(self) -> tuple[tuple[str, CeilingsDocument], ...]:
        """Each kind of subject, and its ceilings."""
        return ("key", self), ("tenant", self.per.tenant), ("user", self.per.user)

    @model_validator(mode="after")
    def _priced(self) -> Self:
        if not self.cost_per_million and any(ceilings.cost_per_day is not None for _, ceilings in self.subjects):
            mend = "add 'cost_per_million: {model: {in: 3, out: 15}}'"
            raise PydanticCustomError("limits", "'cost_per_day' needs the prices of models", {"mend": mend})
        return self
