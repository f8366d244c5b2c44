"""Who reads what under a policy."""

from collections.abc import Mapping

from fairlead.core import MediaKind
from fairlead.guard import MediaReader
from fairlead.integrations.errors import ReaderMissing
from fairlead.integrations.reading.tesseract import Tesseract
from fairlead.policy import MediaDocument


def readers_of(document: MediaDocument, audio: MediaReader | None) -> Mapping[MediaKind, MediaReader]:
    """Return the readers that a policy asks for; each is known to work.

    Args:
        document: The policy's ``media:``.
        audio: Who hears recordings; brought by the program that holds the guard.

    Raises:
        ReaderMissing: One is not here.
        SandboxMissing: This machine can't isolate the program that reads images.
    """
    readers: dict[MediaKind, MediaReader] = {}
    if document.image:
        readers["image"] = Tesseract.open(
            timeout_s=document.timeout_ms / 1000, max_bytes=document.max_bytes, max_pixels=document.max_pixels
        )
    if document.audio:
        if audio is None:
            mend = "guard in process with Guard.load(..., audio=your reader), or take 'audio' out of the policy"
            raise ReaderMissing("nobody is here who hears recordings", where="media.audio", mend=mend)
        readers["audio"] = audio
    return readers
