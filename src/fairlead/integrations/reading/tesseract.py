"""OCR by the ``tesseract`` of this machine, each picture in a sandbox of its own.

A decoder of pictures that strangers send is what breaks first: it gets no network, no file of ours, little memory and little time, and
what its header says is too large is not given to it.
"""

import base64
import binascii
import re
import threading

from fairlead.core import InvalidInput, MediaSegment
from fairlead.guard import Transcript
from fairlead.integrations.errors import ReaderMissing
from fairlead.integrations.reading.pictures import picture_of
from fairlead.integrations.sandbox import Limits, Ran, Sandbox

PROGRAM = "tesseract"
AT_ONCE = 2
"""Pictures that are read at once, in one process."""
_MEMORY = 1 << 30
_FILES = 1 << 20
"""Bytes of text in one picture at most."""
_VERSION = re.compile(rb"tesseract v?([0-9][0-9A-Za-z.-]{0,30})")
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "OMP_THREAD_LIMIT": "1"}


class Tesseract:
    """Implements ``guard.MediaReader`` for images. Build it with :meth:`open`.

    Args:
        version: Of the program.
        timeout_s: Time for one picture; before that it waits for its turn, as long again at most.
        max_bytes: Size of one picture.
        max_pixels: Width times height of one picture.
    """

    COMMAND = (PROGRAM, "stdin", "stdout")

    def __init__(self, version: str, *, timeout_s: float, max_bytes: int, max_pixels: int) -> None:
        self._reader = f"ocr:tesseract-{version}"
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._max_pixels = max_pixels
        self._sandbox = _sandbox(timeout_s)
        self._free = threading.BoundedSemaphore(AT_ONCE)

    @classmethod
    def open(cls, *, timeout_s: float, max_bytes: int, max_pixels: int) -> "Tesseract":
        """Find the program and see that it runs.

        Raises:
            ReaderMissing: It is not here, or does not run.
            SandboxMissing: This machine can't isolate it.
        """
        mend = "install the package tesseract-ocr (apt-get install tesseract-ocr), or take 'image' out of the policy's 'media'"
        try:
            ran = _sandbox(10).run([PROGRAM, "--version"])
        except InvalidInput as error:
            raise ReaderMissing(f"the program {PROGRAM} is not on this machine", where="media.image", mend=mend) from error
        match = _VERSION.search(ran.output + ran.errors)
        if ran.code or match is None:
            raise ReaderMissing(f"the program {PROGRAM} does not run", where="media.image", mend=mend)
        return cls(match[1].decode(), timeout_s=timeout_s, max_bytes=max_bytes, max_pixels=max_pixels)

    def read(self, media: MediaSegment) -> Transcript:
        """Return what is written in a picture."""
        data = self._decoded(media.encoded)
        if isinstance(data, str):
            return self._failed(data)
        picture = picture_of(data)
        if picture is None:
            return self._failed("it is no PNG, JPEG, GIF or WebP, or its header is broken")
        if picture.moves:
            return self._failed("it has several frames, of which only the first would be read")
        if picture.width * picture.height > self._max_pixels:
            return self._failed(f"it has more than {self._max_pixels} pixels")
        if not self._free.acquire(timeout=self._timeout_s):
            return self._late()
        try:
            return self._told(self._sandbox.run(self.COMMAND, given=data))
        finally:
            self._free.release()

    def _decoded(self, encoded: str) -> bytes | str:
        """Return the picture's bytes, or why there are none."""
        if len(encoded) > self._max_bytes * 4 // 3 + 4:
            return f"it has more than {self._max_bytes} bytes"
        try:
            return base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            return "it is not base64"

    def _told(self, ran: Ran) -> Transcript:
        if ran.timed_out:
            return self._late()
        if ran.code:
            return self._failed("the program could not read it")
        return Transcript(reader=self._reader, text=ran.output.decode("utf-8", "replace").strip())

    def _late(self) -> Transcript:
        return Transcript(reader=self._reader, status="timed_out", reason=f"not read within {self._timeout_s:g} s")

    def _failed(self, reason: str) -> Transcript:
        return Transcript(reader=self._reader, status="errored", reason=reason)


def _sandbox(timeout_s: float) -> Sandbox:
    limits = Limits(seconds=timeout_s, cpu_seconds=max(1, int(timeout_s) + 1), memory_bytes=_MEMORY, file_bytes=_FILES)
    return Sandbox(limits, environment=_ENVIRONMENT)
