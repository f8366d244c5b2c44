"""Personal data that a format and a check can tell: e-mail, phone, payment card, IBAN, US social security number."""

import re
from functools import lru_cache

import re2
from stdnum import iban
from stdnum.exceptions import ValidationError

from fairlead.detectors.model import Pattern

_LEFT, _RIGHT = r"(?<![A-Za-z0-9_])", r"(?![A-Za-z0-9_])"

_ISSUERS: tuple[tuple["re.Pattern[str]", tuple[int, ...]], ...] = tuple(
    (re.compile(prefix, re.ASCII), lengths)
    for prefix, lengths in (
        (r"4", (19, 16, 13)),
        (r"5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)", (16,)),
        (r"3[47]", (15,)),
        (r"3(?:0[0-5]|[689])", (19, 16, 14)),
        (r"6(?:011|4[4-9]|5)", (19, 16)),
        (r"35(?:2[89]|[3-8])|62", (19, 18, 17, 16)),
        (r"50(?:18|2|3|6)|5[6-8]|6(?:3|7)", (19, 18, 16)),
    )
)
"""First digits of payment cards and how many digits their numbers have, longest first (ISO/IEC 7812 ranges as the schemes publish them)."""


def card_length(candidate: str) -> int:
    """Return how many leading characters are a payment card number: a known issuer, one of its lengths, a right Luhn digit."""
    digits = _digits(candidate)
    lengths = next((lengths for prefix, lengths in _ISSUERS if prefix.match(digits)), ())
    for length in lengths:
        if length > len(digits) or not luhn_holds(digits[:length]):
            continue
        end = _place(candidate, length)
        if not candidate[end : end + 1].isdigit():
            return end
    return 0


def luhn_holds(digits: str) -> bool:
    """Tell whether the last digit is the Luhn digit of the rest (ISO/IEC 7812-1, annex B); stdnum's costs six times as much."""
    return (sum(map(int, digits[-1::-2])) + sum(_DOUBLED[digit] for digit in digits[-2::-2])) % 10 == 0


_DOUBLED = dict(zip("0123456789", (0, 2, 4, 6, 8, 1, 3, 5, 7, 9), strict=True))


def _place(candidate: str, digits: int) -> int:
    """Return where so many digits end."""
    for place, character in enumerate(candidate):
        digits -= character.isdigit()
        if not digits:
            return place + 1
    return len(candidate)


def iban_length(candidate: str) -> int:
    """Return how many leading characters are an IBAN: the length of its country and a right checksum (ISO 13616, mod 97)."""
    places = [place for place, character in enumerate(candidate) if character != " "]
    for length in range(min(34, len(places)), 14, -1):
        end = places[length - 1] + 1
        if end < len(candidate) and candidate[end] != " ":
            continue
        try:
            iban.validate(candidate[:end])
        except ValidationError:
            continue
        return end
    return 0


def ssn_length(candidate: str) -> int:
    """Return the candidate's length if it is a possible US social security number (SSA: no 000, 666, 9xx; no 00; no 0000)."""
    area, group, serial = candidate.split("-")
    possible = area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"
    return len(candidate) if possible else 0


def phone_length(candidate: str) -> int:
    """Return the candidate's length if it is a number of a country's plan, with its country code."""
    digits = _digits(candidate.replace("(0)", ""))
    return len(candidate) if any(_valid(digits[size:], digits[:size]) for size in (1, 2, 3)) else 0


def us_phone_length(candidate: str) -> int:
    """Return the candidate's length if it is a number of the North American plan."""
    return len(candidate) if _valid(_digits(candidate), "1") else 0


def european_phone_length(candidate: str) -> int:
    """Return the candidate's length if it is a British or German number with its trunk prefix 0."""
    national = _digits(candidate)[1:]
    return len(candidate) if _valid(national, "44") or _valid(national, "49") else 0


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isdigit())


def _valid(national: str, country: str) -> bool:
    return 4 <= len(national) <= 14 and _plan(country).fullmatch(national) is not None


@lru_cache(maxsize=256)  # static data of a library, by country code; nothing of any text
def _plan(country: str) -> "re2._Regexp":
    """Return what numbers a country code has, as libphonenumber knows them; parsing with that library costs twenty times as much."""
    import phonenumbers  # noqa: PLC0415 - its metadata costs 30 ms, which only a text with a candidate should pay

    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(country), ()) if country != "0" else ()
    metadata = [phonenumbers.PhoneMetadata.metadata_for_region(region) for region in regions if region != "001"]
    kinds = ("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip", "uan")
    described = [getattr(entry, kind) for entry in metadata if entry is not None for kind in kinds]
    expressions = dict.fromkeys(kind.national_number_pattern for kind in described if kind is not None and kind.national_number_pattern)
    return re2.compile("|".join(expressions) or "x")


PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        name="email",
        hazard="pii",
        expression=r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,5}[A-Za-z]{2,24}(?![A-Za-z0-9-])",
        probe=r"[A-Za-z0-9._%+-]@[A-Za-z0-9-]",
        source="RFC 5321 section 4.1.2, the ASCII part that is used",
        example="bob.smith+news@mail.example.com",
        counter="bob@example",
    ),
    Pattern(
        name="phone",
        hazard="pii",
        expression=r"(?<![A-Za-z0-9_+.-])\+[1-9](?:[ .-]?\(?[0-9]{1,4}\)?){2,7}" + _RIGHT,
        source="ITU-T E.164; numbering plans of libphonenumber",
        example="+44 20 7946 0958",
        counter="+44 00 7946 0958",
        validator=phone_length,
    ),
    Pattern(
        name="phone",
        hazard="pii",
        expression=r"(?<![A-Za-z0-9_+.-])(?:\([2-9][0-9]{2}\) ?|(?:1[ .-])?[2-9][0-9]{2}[ .-])[2-9][0-9]{2}[ .-][0-9]{4}" + _RIGHT,
        source="North American Numbering Plan; area codes of libphonenumber",
        example="(415) 555-2671",
        counter="555-123-4567",
        validator=us_phone_length,
        score=0.9,
    ),
    Pattern(
        name="phone",
        hazard="pii",
        expression=r"(?<![A-Za-z0-9_+./-])(?:\(0[1-9][0-9]{1,4}\)[ ]?|0[1-9][0-9]{1,4}[ /-])[0-9]{2,8}(?:[ -][0-9]{2,6}){0,3}" + _RIGHT,
        source="numbering plans of the United Kingdom (Ofcom) and Germany (Bundesnetzagentur), from libphonenumber",
        example="020 7946 0958",
        counter="0123-45",
        validator=european_phone_length,
        score=0.8,
    ),
    Pattern(
        name="payment_card",
        hazard="pii",
        expression=_LEFT + r"[0-9](?:[ -]?[0-9]){12,18}" + _RIGHT,
        source="ISO/IEC 7812-1, Luhn",
        example="4111 1111 1111 1111",
        counter="4111 1111 1111 1112",
        validator=card_length,
    ),
    Pattern(
        name="iban",
        hazard="pii",
        expression=_LEFT + r"[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?" + _RIGHT,
        source="ISO 13616, mod 97",
        example="GB82 WEST 1234 5698 7654 32",
        counter="GB83 WEST 1234 5698 7654 32",
        validator=iban_length,
    ),
    Pattern(
        name="us_ssn",
        hazard="pii",
        expression=_LEFT + r"[0-9]{3}-[0-9]{2}-[0-9]{4}" + _RIGHT,
        source="US Social Security Administration, number structure",
        example="536-90-4399",
        counter="666-90-4399",
        validator=ssn_length,
    ),
)
