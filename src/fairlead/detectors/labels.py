"""Texts that a person reviewed: what a head is calibrated on."""

from typing import Literal, NamedTuple

import msgspec

from fairlead.core import InvalidInput, Origin, decode, digest_bytes
from fairlead.detectors.errors import LabelsInvalid

LEAST, MOST = 100, 4000
"""Labels that a file may hold."""


class Label(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One text that a person reviewed."""

    text: str
    label: bool | Literal[0, 1, "unsafe", "benign"]
    origin: Origin = "user"
    group: str = ""
    """Texts of one group are not independent: one author, one conversation, one incident. They stay in one fold."""

    @property
    def unsafe(self) -> bool:
        """Whether the head should fire."""
        return self.label in (True, "unsafe")


class Labels(NamedTuple):
    """The labels of a file."""

    digest: str
    """Of the file's bytes."""
    entries: tuple[Label, ...]


def read_labels(data: bytes, *, where: str) -> Labels:
    """Read labels, one JSON object a line.

    Args:
        data: The file.
        where: How errors name it.

    Raises:
        LabelsInvalid: A line is no label, two labels of one text contradict each other, or there are too few or too many.
    """
    entries: list[Label] = []
    known: dict[tuple[str, str], bool] = {}
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        place = f"{where}:{number}"
        try:
            entry = decode(line, Label, where=place)
        except InvalidInput as error:
            mend = 'write {"text": ..., "label": "unsafe" or "benign", "origin": ..., "group": ...}'
            raise LabelsInvalid("the line is no label", where=place, mend=mend) from error
        if known.setdefault((entry.origin, entry.text), entry.unsafe) != entry.unsafe:
            raise LabelsInvalid("the same text has the other label above", where=place, mend="review it again and keep one")
        if entry.text.strip():
            entries.append(entry)
    if not LEAST <= len(entries) <= MOST:
        raise LabelsInvalid(f"{len(entries)} labels; {LEAST} to {MOST} can be used", where=where, mend="review more, or draw a sample")
    return Labels(digest_bytes(data), tuple(entries))
