"""Personal data that a format and a check can tell: e-mail, phone, payment card, IBAN, US social security number."""

import re

from stdnum import iban, luhn
from stdnum.exceptions import ValidationError

from fairlead.detectors.model import Pattern

_LEFT, _RIGHT = r"(?<![A-Za-z0-9_])", r"(?![A-Za-z0-9_])"

_ISSUERS = re.compile(
    r"4|5[1-5]|2(?:2[2-9]|[3-6]|7[01]|720)|3[47]|3(?:0[0-5]|[689])|6(?:011|4[4-9]|5)|35(?:2[89]|[3-8])|62|5018|50[236]", re.ASCII
)
"""First digits of payment cards (ISO/IEC 7812 issuer ranges as the card schemes publish them)."""
_CARD_LENGTHS = range(19, 12, -1)


def card_length(candidate: str) -> int:
    """Return how many leading characters are a payment card number: a known issuer, 13 to 19 digits, a right Luhn digit."""
    places = [place for place, character in enumerate(candidate) if character.isdigit()]
    digits = "".join(candidate[place] for place in places)
    if _ISSUERS.match(digits) is None:
        return 0
    for length in _CARD_LENGTHS:
        if length > len(digits):
            continue
        end = places[length - 1] + 1
        inside_a_number = end < len(candidate) and candidate[end].isdigit()
        if not inside_a_number and luhn.is_valid(digits[:length]):
            return end
    return 0


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
    """Return the candidate's length if libphonenumber knows it as a valid number, international or of the US."""
    import phonenumbers  # noqa: PLC0415 - its metadata costs 30 ms, which only a text with a candidate should pay

    try:
        number = phonenumbers.parse(candidate, None if candidate.startswith("+") else "US")
    except phonenumbers.NumberParseException:
        return 0
    return len(candidate) if phonenumbers.is_valid_number(number) else 0


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
        expression=r"(?<![A-Za-z0-9_+.-])(?:\+[1-9](?:[ .-]?\(?[0-9]{1,4}\)?){2,7}"
        r"|(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .-])[0-9]{3}[ .-][0-9]{4})" + _RIGHT,
        source="ITU-T E.164; validity by libphonenumber",
        example="+44 20 7946 0958",
        counter="555-123-4567",
        validator=phone_length,
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
