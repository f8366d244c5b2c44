"""The record format of material.

One JSON object a line, in a file ``material.jsonl``. A record is about one text, about one sealed text, or about a file beside it::

    {"id": "own-requests", "file": "requests.txt", "holds": "texts", "digest": "sha256:…", "family": "look-alike",
     "provenance": {"source": "…", "licence": "Apache-2.0", "author": "…", "harm_level": 0, "split": "train"}}
"""

from typing import Literal, get_args

import msgspec

from fairlead.core.segment import Origin

Split = Literal["train", "dev", "test", "held_out", "calibration", "regression"]
"""What a text may be used for. ``held_out`` is for a measurement that nobody tunes on; ``regression`` came out of an incident."""
SPLITS: tuple[Split, ...] = get_args(Split)
Holds = Literal["texts", "cases", "words", "plans"]
"""What a file holds: one text a line, one case (of a suite or attack set) a line, words and phrases that a
scorer or detector knows, or goals and tasks of an environment."""

SEALED_FROM = 2
"""Harm level from which on a text is never kept in the clear."""
MAX_RETENTION_DAYS = 366
"""Days after its approval that a text of such a level may be kept at most; who needs it longer reviews it again."""
NEVER_GENERATED = frozenset({"indiscriminate_weapons", "child_sexual_exploitation"})
"""Hazards of which no program and no model writes or rewrites a text, at any harm level."""
NEVER_TRAINED = frozenset({"child_sexual_exploitation"})
"""Hazards whose texts nothing is trained on."""
LICENCES = frozenset({
    "Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "ISC", "CC0-1.0", "CC-BY-3.0", "CC-BY-4.0", "Unlicense",
    "LicenseRef-captured",
})  # fmt: skip
"""SPDX names of the licences that material may have; ``LicenseRef-captured`` is the operator's own traffic, which never leaves it."""


class Generator(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The program or model that wrote a text."""

    recipe: str
    """Name of the program or prompt, such as ``templates/fraud``."""
    version: str
    seed: int | None = None
    """For a program: with recipe and version it gives the same text again."""
    model: str = ""
    """For a model: its name and version."""


class Provenance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a text comes from, who looked at it, and how long it may be used for what. A Case carries one too."""

    source: str
    """The work it was taken from or written for."""
    licence: str
    """SPDX name."""
    author: str
    reviewer: str = ""
    """Who else looked at it; from harm level 2 on somebody must have."""
    harm_level: int = 0
    """Of what the text says: 0 harmless, 1 names or asks for harm without any means, 2 could help somebody a little, 3 could help."""
    split: Split = "dev"
    approved: str | msgspec.UnsetType = msgspec.UNSET
    """Day of the review, such as ``2026-11-25``."""
    expires: str | msgspec.UnsetType = msgspec.UNSET
    """First day on which it may no longer be used."""
    generator: Generator | msgspec.UnsetType = msgspec.UNSET
    """Nothing when a person wrote it."""
    parent: str | msgspec.UnsetType = msgspec.UNSET
    """Id of the record that it was made from."""
    mutations: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    """How, step by step, such as ``("translate:de", "base64")``."""
    canary: str | msgspec.UnsetType = msgspec.UNSET
    """A random UUID by which a model that has seen the text can be found out."""

    def __post_init__(self) -> None:
        if not 0 <= self.harm_level <= 3:
            raise ValueError("`harm_level` is a whole number from 0 to 3")


class Waiver(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule that does not hold for one record, for a while and for a reason; it is shown wherever the record is."""

    rule: str
    reason: str
    until: str
    """First day on which the rule holds again."""


class Material(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A text, a sealed text, or a file of texts, with its record."""

    id: str
    digest: str
    """``sha256:…`` of the text in UTF-8, or of the file's bytes; of a sealed text it is that of the text inside."""
    provenance: Provenance
    hazards: tuple[str, ...] = ()
    """Ids in the taxonomy; none for benign texts. A file names every hazard of its texts."""
    family: str = ""
    """The idea, such as ``roleplay`` or ``look-alike``."""
    origin: Origin = "user"
    """How the text comes in."""
    standards: tuple[str, ...] = ()
    """Ids of public frameworks, such as ``AML.T0051`` or ``LLM01``."""
    text: str = ""
    """In the clear. A payload is a placeholder: ``{{HARM:non_violent_crimes-03}}``."""
    file: str = ""
    """Name of a file in the same folder."""
    holds: Holds = "texts"
    """For a file."""
    sealed: str = ""
    """What the installation's Sealer made of the text."""
    waivers: tuple[Waiver, ...] = ()

    def __post_init__(self) -> None:
        if not self.id:
            raise ValueError("`id` is empty")
        if sum(map(bool, (self.text, self.file, self.sealed))) != 1:
            raise ValueError("a record has exactly one of text, file and sealed")

    def waived(self, rule: str, today: str) -> bool:
        """Tell whether a rule does not hold for the record on a day."""
        return any(waiver.rule == rule and today < waiver.until for waiver in self.waivers)
