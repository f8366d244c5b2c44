"""What all documents of a policy are made of: the base that refuses unknown keys, and the small kinds of values."""

import re
from typing import Annotated, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.:/-]*$"
Name: TypeAlias = Annotated[str, StringConstraints(pattern=_NAME, max_length=80)]
Text: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
_PERCENT = re.compile(r"(\d+(?:\.\d+)?) ?%\Z")


def listed(value: object) -> object:
    """Let one value stand for a list of one."""
    return tuple(value) if isinstance(value, list) else (value,)


def sequence(value: object) -> object:
    """Read a list as a tuple, which is what frozen documents hold."""
    return tuple(value) if isinstance(value, list) else value


def _share(value: object) -> object:
    """Read ``0.5%`` or ``0.005``."""
    if isinstance(value, str):
        if (match := _PERCENT.match(value)) is None:
            raise PydanticCustomError("share", "this is no share", {"mend": "write 0.5% or 0.005"})
        return float(match[1]) / 100
    return value


Names: TypeAlias = Annotated[tuple[Name, ...], BeforeValidator(listed)]
Share: TypeAlias = Annotated[float, BeforeValidator(_share), Field(gt=0, lt=1)]
Score: TypeAlias = Annotated[float, BeforeValidator(_share), Field(ge=0, le=1)]


class Document(BaseModel):
    """Base of all documents: frozen, strict, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=False)
