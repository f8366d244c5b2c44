"""``latency:`` and ``cascade:`` of a policy: what guarding may take, which checks give way first, and when the dear ones are asked."""

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from fairlead.policy.base import Document, Name, Score, Share, listed

CLASSES = ("remote", "model")
"""Classes of dear detectors: ``remote`` are asked over a network, ``model`` are dear ones that run on this machine."""


class LatencyDocument(Document):
    """What guarding one Exchange may take."""

    budget_ms: Annotated[int, Field(ge=1, le=60_000)] = 150
    """What the guard may add to 95 of 100 Exchanges; measured live, and an alert when it takes more."""
    deadline_ms: Annotated[int, Field(ge=10, le=600_000)] | None = None
    """Guard time after which dear detectors of an Exchange are waited for no longer: they timed out, and ``on_error`` decides."""
    degrade: Annotated[tuple[Name, ...], BeforeValidator(listed)] | None = None
    """Dear detectors, or classes of them, that an Exchange goes on without when it is late: the first once the budget is used up, the
    second at twice the budget, and so on. For the tier ``minimal`` ``[remote, model]`` by default, else none."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.deadline_ms is not None and self.deadline_ms < self.budget_ms:
            raise PydanticCustomError("latency", "the deadline is shorter than the budget", {"mend": "raise 'deadline_ms'"})
        return self


class ZoneDocument(Document):
    """Where the grey zone of a hazard's fast detectors begins; it ends where a rule stops the Stage."""

    start: Score | None = Field(default=None, alias="from")
    """Score of a fast detector from which on the dear ones are asked."""
    max_fpr: Share | None = None
    """Instead: the false-positive rate at that score, resolved through the fast detectors' cards."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.start is None) is (self.max_fpr is None):
            raise PydanticCustomError("zone", "a grey zone begins at one score or rate", {"mend": "keep 'from' or 'max_fpr'"})
        return self
