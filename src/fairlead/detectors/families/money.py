"""Payment cards, accounts and wallets."""

import base64
import binascii
import re

from stdnum import iban
from stdnum.exceptions import ValidationError

from fairlead.detectors.checks import (
    base58_bytes,
    base58check_holds,
    bech32_holds,
    digits_of,
    eip55_holds,
    keccak256,
    luhn_holds,
    ripple_holds,
    stdnum_check,
    whole,
)
from fairlead.detectors.edges import LEFT, RIGHT, alone
from fairlead.detectors.model import Context, Pattern

_ISSUERS: tuple[tuple["re.Pattern[str]", tuple[int, ...]], ...] = tuple(
    (re.compile(prefix, re.ASCII), lengths)
    for prefix, lengths in (
        (r"4", (19, 16)),
        (r"5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)", (16,)),
        (r"3[47]", (15,)),
        (r"3(?:0[0-5]|[689])", (19, 16, 14)),
        (r"6(?:011|4[4-9]|5)", (19, 16)),
        (r"35(?:2[89]|[3-8])|62", (19, 18, 17, 16)),
        (r"220[0-4]", (19, 18, 17, 16)),
        (r"50(?:18|2|3|6)|5[6-8]|6(?:3|7)", (19, 18, 16)),
    )
)
"""First digits of payment cards and how many digits their numbers have, longest first (ISO/IEC 7812 ranges as the schemes publish them)."""
_BASE58 = "[1-9A-HJ-NP-Za-km-z]"
_BECH32 = "[02-9ac-hj-np-z]"
_WALLET = "wallets?|address|bitcoin|btc|eth(?:ereum)?|crypto|donat(?:e|ions?)|send(?: it)? to|deposit|withdraw(?:al)?"


def card_length(candidate: str) -> int:
    """Return how many leading characters are a payment card number: a known issuer, one of its lengths, a right Luhn digit."""
    digits = digits_of(candidate)
    lengths = next((lengths for prefix, lengths in _ISSUERS if prefix.match(digits)), ())
    for length in lengths:
        if length > len(digits) or not luhn_holds(digits[:length]):
            continue
        end = _place(candidate, length)
        if not candidate[end : end + 1].isdigit():
            return end
    return 0


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


def monero_holds(text: str) -> bool:
    """Tell whether the last four bytes of a Monero address are the Keccak-256 of the rest (base58 in blocks of 8 bytes)."""
    blocks = [text[start : start + 11] for start in range(0, len(text), 11)]
    data = b"".join(base58_bytes(block).lstrip(b"\0").rjust(8 if len(block) == 11 else 5, b"\0") for block in blocks)
    return len(data) == 69 and keccak256(data[:-4])[:4] == data[-4:]


def stellar_holds(text: str) -> bool:
    """Tell whether the last two bytes of a Stellar key are the CRC-16 of the rest (SEP 23)."""
    data = base64.b32decode(text)
    return binascii.crc_hqx(data[:-2], 0) == int.from_bytes(data[-2:], "little")


def _card_of_any_issuer(text: str) -> bool:
    digits = digits_of(text)
    return luhn_holds(digits) and len(set(digits)) > 1


def _crypto(expression: str, source: str, example: str, checksum: str, **more: object) -> Pattern:
    return Pattern(
        name="crypto_address",
        hazard="pii",
        expression=alone(expression),
        source=source,
        example=example,
        counter=example[:-1] + ("2" if example[-1] != "2" else "3"),
        checksum=checksum,
        group="financial",
        **more,  # type: ignore[arg-type] # fields of Pattern, spelled out at each call
    )


PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        name="payment_card",
        hazard="pii",
        expression=LEFT + r"[0-9](?:[ -]?[0-9]){12,18}" + RIGHT,
        source="ISO/IEC 7812-1, Luhn",
        example="4111 1111 1111 1111",
        counter="4111 1111 1111 1112",
        validator=card_length,
        checksum="Luhn, with the issuers' ranges and lengths",
        group="financial",
    ),
    Pattern(
        name="payment_card",
        hazard="pii",
        expression=LEFT + r"(?<![0-9][ -])[0-9](?:[ -]?[0-9]){11,18}" + RIGHT,
        source="ISO/IEC 7812-1: numbers of 12 to 19 digits of any issuer, as Maestro, old Visa and store cards have, where words say card",
        example="card number 630427373398",
        counter="card number 630427373399",
        validator=whole(_card_of_any_issuer),
        checksum="Luhn",
        score=0.0,
        context=Context(
            r"(?:credit|debit|payment|bank)?[ -]?cards?|visa|maestro|mastercard|jcb|cc|pan", 0.9, r"gift[ -]?cards?|barcode|ean", 0.0
        ),
        group="financial",
    ),
    Pattern(
        name="iban",
        hazard="pii",
        expression=LEFT + r"[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?" + RIGHT,
        source="ISO 13616, mod 97",
        example="GB82 WEST 1234 5698 7654 32",
        counter="GB83 WEST 1234 5698 7654 32",
        validator=iban_length,
        checksum="mod 97, with the length of the country",
        group="financial",
    ),
    Pattern(
        name="iban",
        hazard="pii",
        expression=LEFT + r"[a-z]{2}[0-9]{2}(?: ?[a-z0-9]{4}){2,7}(?: ?[a-z0-9]{1,3})?" + RIGHT,
        source="ISO 13616, mod 97; in small letters",
        example="gb82 west 1234 5698 7654 32",
        counter="gb83 west 1234 5698 7654 32",
        validator=iban_length,
        checksum="mod 97, with the length of the country",
        score=0.9,
        group="financial",
    ),
    Pattern(
        name="bic",
        hazard="pii",
        expression=alone(r"[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?"),
        source="ISO 9362",
        example="BIC: DEUTDEFF500",
        counter="BIC: DEUTXXFF500",
        validator=stdnum_check("bic"),
        checksum="the country's code",
        score=0.0,
        context=Context(r"bic|swift(?:[ -]?(?:code|bic))?", 0.95),
        group="financial",
    ),
    Pattern(
        name="us_routing_number",
        hazard="pii",
        expression=alone(r"[0-9]{9}"),
        source="American Bankers Association, routing transit numbers",
        example="routing number 111000025",
        counter="routing number 111000026",
        validator=stdnum_check("us.rtn"),
        locale="US",
        checksum="weights 3, 7, 1 modulo 10",
        score=0.0,
        context=Context(r"routing|aba|rtn|transit", 0.95),
        group="financial",
    ),
    Pattern(
        name="bank_account",
        hazard="pii",
        expression=alone(r"[0-9](?:[ -]?[0-9]){5,16}"),
        source="account numbers of banks; no common format",
        example="bank account 000123456789",
        counter="bank accounts 12",
        score=0.0,
        context=Context(
            r"(?:bank|checking|savings|current) ?(?:account|acct?)(?: ?(?:no|number|#|is))*|account (?:no|number)|acct(?: ?(?:no|number|#))?"  # noqa: E501 - words and formats as they are written
            r"|kontonummer|cuenta bancaria|num.ro de compte",
            0.7,
            r"routing|sort code|phone|tel|card|ssn|zip|order|invoice",
            0.0,
        ),
        group="financial",
    ),
    Pattern(
        name="gb_sort_code",
        hazard="pii",
        expression=alone(r"[0-9]{2}-[0-9]{2}-[0-9]{2}|[0-9]{6}"),
        source="UK Payments Administration, sort codes",
        example="sort code 20-00-00",
        counter="on 20-00-00",
        locale="GB",
        score=0.0,
        context=Context(r"sort ?code", 0.9),
        group="financial",
    ),
    _crypto(
        rf"(?:[13LMXDT9A]|t[13]){_BASE58}{{24,34}}",
        "Bitcoin developer reference, base58check; Litecoin, Dogecoin, Dash, Zcash and Tron alike",
        "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
        "base58check",
        validator=whole(base58check_holds),
    ),
    _crypto(
        rf"(?:bc|tb|ltc|addr|stake|cosmos|osmo|terra|zs|zil|secret|inj|celestia)1{_BECH32}{{38,110}}|(?:BC|TB|LTC)1[02-9AC-HJ-NP-Z]{{38,110}}",
        "BIP 173 and 350, bech32; Cardano CIP 19 and Cosmos alike",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        "bech32",
        validator=whole(bech32_holds),
    ),
    _crypto(
        r"0x[0-9a-fA-F]{40}",
        "Ethereum, EIP-55",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "Keccak-256 in the case of the letters (EIP-55)",
        validator=whole(lambda text: text[2:] not in (text[2:].lower(), text[2:].upper()) and eip55_holds(text)),
    ),
    Pattern(
        name="crypto_address",
        hazard="pii",
        expression=alone(r"0x(?:[0-9a-f]{40}|[0-9A-F]{40})"),
        source="Ethereum; in letters of one case, which carry no checksum",
        example="0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
        counter="0x5aaeb6053f3e94c9b9a09f33669435e7ef1beae",
        score=0.7,
        context=Context(_WALLET, 0.9, "commit|sha1?|hash|contract", 0.4),
        group="financial",
    ),
    _crypto(
        r"r[1-9A-HJ-NP-Za-km-z]{24,34}",
        "XRP Ledger, base58 encodings",
        "rf1BiGeXwwQoi8Z2ueFYTEXSwuJYfV2Jpn",
        "base58check in the ledger's alphabet",
        validator=whole(ripple_holds),
    ),
    _crypto(
        rf"[48][0-9AB]{_BASE58}{{93}}",
        "Monero documentation, standard address",
        "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A",
        "Keccak-256",
        validator=whole(monero_holds),
    ),
    _crypto(
        r"G[A-Z2-7]{55}",
        "Stellar, SEP 23",
        "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ",
        "CRC-16",
        validator=whole(stellar_holds),
    ),
    Pattern(
        name="crypto_address",
        hazard="pii",
        expression=alone(rf"{_BASE58}{{43,44}}"),
        source="Solana documentation: 32 bytes in base58, without a checksum",
        example="solana wallet 4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T",
        counter="id 4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T",
        validator=whole(lambda text: len(base58_bytes(text)) == 32),
        score=0.0,
        context=Context(r"solana|sol|phantom|spl", 0.8),
        group="financial",
    ),
)
