"""Credentials: the formats stand as data in ``data/secrets.json``; here is what reads them and what needs code.

Each format has its service, its expression, words without which it is none (for those without a prefix of their own), the check of its
structure, and where it is described. Examples are made from templates when they are asked for; they open nothing.
"""

import re
from functools import lru_cache
from importlib.resources import files

import msgspec

from fairlead.detectors.checks import CHECKS, decoded, entropy, looks_random, mixed_holds, whole
from fairlead.detectors.edges import LEFT, RIGHT
from fairlead.detectors.made import made
from fairlead.detectors.model import Context, Pattern, Validator

_PLACEHOLDER = re.compile(
    r"(?i:x{4,}|\*{3,}|\.{3}|your|example|sample|dummy|placeholder|changeme|change_me|redacted|insert|replace|todo|none|null|undefined|"
    r"process\.env|os\.environ|getenv|secrets?\.|config\.|settings\.|self\.|this\.|env\.|vault:|<|\$\{|\{\{|%\()"
)


class Format(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One format of credentials, as the catalogue has it."""

    id: str
    service: str
    pattern: str
    """Python syntax; stands alone at both edges unless it says otherwise itself."""
    source: str
    """Address of the vendor's description."""
    example: str
    """Template of a made-up one."""
    counter: str = ""
    """Template of a look-alike; the first third of the example when empty."""
    probe: str = ""
    check: str = ""
    """Name of a check in ``detectors.checks``, or of this family."""
    words: str = ""
    """Words that must stand before it; the format has no prefix of its own."""
    score: float = 1.0
    """With its words, where it has some."""
    open: bool = False
    """True when the expression sees to its edges itself."""


class _Catalogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    formats: tuple[Format, ...]


@lru_cache(maxsize=1)  # a file of the package
def formats() -> tuple[Format, ...]:
    """Return the catalogue of formats."""
    data = (files("fairlead.detectors") / "data" / "secrets.json").read_bytes()
    return msgspec.json.decode(data, type=_Catalogue).formats


def jwt_holds(text: str) -> bool:
    """Tell whether the header of a token decodes to an object with an algorithm (RFC 7515 section 4.1.1)."""
    try:
        header = msgspec.json.decode(decoded(text.partition(".")[0]))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(header, dict) and isinstance(header.get("alg"), str)


def assigned_holds(value: str) -> bool:
    """Tell whether what is assigned looks chosen, not like a word or a place to fill: letters with digits, or with a symbol inside."""
    plain = value.rstrip(".,!;")
    letters = any(character.isalpha() for character in plain)
    others = any(character.isdigit() or character in "!#$%&*+^~@" for character in plain)
    return letters and others and len(plain) >= 8 and entropy(plain) >= 2.3 and _PLACEHOLDER.search(plain) is None


def random_holds(value: str) -> bool:
    """Tell whether a value is no place to fill and looks drawn by chance."""
    return _PLACEHOLDER.search(value) is None and looks_random(value)


def basic_holds(text: str) -> bool:
    """Tell whether a basic credential decodes to a name, a colon and a password (RFC 7617)."""
    name, colon, password = decoded(text).partition(b":")
    return bool(name and colon and password) and (name + password).isascii()


def openai_holds(text: str) -> bool:
    """Tell whether a key that begins with ``sk-`` is drawn by chance and no other vendor's."""
    return mixed_holds(text) and not text.startswith(("sk-ant-", "sk-or-", "sk-lf-"))


def _printed(text: str) -> str:
    return made(text, b"example")


_CHECKS: dict[str, Validator] = {
    **CHECKS,
    "jwt": whole(jwt_holds),
    "assigned": whole(assigned_holds),
    "chance": whole(random_holds),
    "basic": whole(basic_holds),
    "openai": whole(openai_holds),
}


def _pattern(form: Format) -> Pattern:
    example = _printed(form.example)
    return Pattern(
        name=form.id,
        hazard="secret",
        expression=form.pattern if form.open else f"{LEFT}(?:{form.pattern}){RIGHT}",
        source=f"{form.service}: {form.source}",
        example=example,
        counter=_printed(form.counter) if form.counter else example[: len(example) // 3],
        validator=_CHECKS[form.check] if form.check else None,
        score=0.0 if form.words else form.score,
        probe=form.probe,
        context=Context(form.words, form.score) if form.words else None,
        checksum=form.check or "none",
        group=form.service.lower().replace(" ", "_"),
    )


@lru_cache(maxsize=1)  # made of a file of the package
def patterns() -> tuple[Pattern, ...]:
    """Return the patterns of all formats."""
    return tuple(_pattern(form) for form in formats())
