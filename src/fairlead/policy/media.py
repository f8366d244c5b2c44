"""``media:`` of a policy: who reads images and recordings."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from fairlead.core import MediaKind


class MediaDocument(BaseModel):
    """Who reads what is not written in characters; what nobody reads is unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    image: Literal["tesseract"] | None = None
    """``tesseract``: OCR on this machine."""
    audio: Literal["port"] | None = None
    """``port``: whatever the program that holds the guard brings."""
    timeout_ms: Annotated[int, Field(ge=100, le=60_000)] = 10_000
    """Time for one image."""
    max_bytes: Annotated[int, Field(ge=1024, le=64 << 20)] = 8 << 20
    """Size of one image."""
    max_pixels: Annotated[int, Field(ge=1024, le=100_000_000)] = 16_000_000
    """Width times height of one image."""

    def reader(self, kind: MediaKind) -> str:
        """Return who reads this kind; empty for nobody."""
        return (self.image if kind == "image" else self.audio) or ""
