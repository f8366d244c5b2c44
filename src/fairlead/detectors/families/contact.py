"""How a person is reached: mail, phone, network addresses, accounts, positions."""

import ipaddress
import re
from functools import lru_cache

import re2

from fairlead.detectors.checks import digits_of, whole
from fairlead.detectors.edges import RIGHT
from fairlead.detectors.model import Context, Pattern

_NO_WORDS = r"order|invoice|ticket|ref(?:erence)?|part|serial|sku|isbn|version|build|model|case|tracking|item"
_PHONE_WORDS = (
    r"(?:tele|cell ?)?phones?(?: number| no)?|tel|mobile|cell(?:ular)?|call(?:ed|ing|s)?|dial(?:ed|ling|ing)?|fax|sms|whatsapp|hotline|ring"
    r"|reach (?:me|us|him|her|them)(?: at| on)?|contact(?: number)?|telefon(?:nummer)?|handy(?:nummer)?|mobil|rufnummer|t.l.phone|portable"
    r"|tel.fono|celular|m.vil|llame|chiamare|cellulare|telefone|telefoon|puhelin"
)
_DATE = re.compile(r"[0-9]{4}[-. ][0-9]{1,2}[-. ][0-9]{1,2}|[0-9]{1,2}[-. ][0-9]{1,2}[-. ][0-9]{4}", re.ASCII)
_PAIRS = re.compile(r"[0-9]{2}(?:\.[0-9]{2}){4}", re.ASCII)
"""How French numbers are written with dots."""
_SSN = re.compile(r"[0-9]{3}-[0-9]{2}-[0-9]{4}", re.ASCII)
_NO_NAMES_LISTED = (
    "string str text null none nil true false undefined required optional not the and password user username int integer "
    "varchar char value name default empty invalid incorrect unknown missing case for your you are was has will can must "
    "may should"
)
_NO_NAMES = frozenset(_NO_NAMES_LISTED.split())


def phone_length(candidate: str) -> int:
    """Return the candidate's length if it is a number of a country's plan, with its country code."""
    digits = digits_of(candidate.replace("(0)", ""))
    return len(candidate) if any(_valid(digits[size:], digits[:size]) for size in (1, 2, 3)) else 0


def us_phone_length(candidate: str) -> int:
    """Return the candidate's length if it is a number of the North American plan."""
    return len(candidate) if _valid(digits_of(candidate), "1") else 0


def european_phone_length(candidate: str) -> int:
    """Return the candidate's length if it is a British or German number with its trunk prefix 0, and not written as a US SSN is."""
    national = digits_of(candidate)[1:]
    return len(candidate) if (_valid(national, "44") or _valid(national, "49")) and _SSN.fullmatch(candidate) is None else 0


def french_phone_length(candidate: str) -> int:
    """Return the candidate's length if it is a French number with its trunk prefix 0."""
    return len(candidate) if _valid(digits_of(candidate)[1:], "33") else 0


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


def _dialled(text: str) -> bool:
    """Tell whether digits could be dialled: 7 to 15 of them (E.164 with prefixes), not all alike, and no date."""
    digits = digits_of(re.split("[x(]?e?xt?", text, maxsplit=1)[0])
    dots = text.count(".")
    versions = dots == 1 or (dots == 4 and _PAIRS.fullmatch(text) is None)
    return 7 <= len(digits) <= 16 and len(set(digits)) > 1 and _DATE.fullmatch(text) is None and not versions


def _public_v4(text: str) -> bool:
    return _v4(text) and not ipaddress.IPv4Address(text).is_private and not ipaddress.IPv4Address(text).is_multicast


def _v4(text: str) -> bool:
    parts = text.split(".")
    return len(parts) == 4 and all(int(part) < 256 and (part == "0" or part[0] != "0") for part in parts)


def _v6(text: str) -> bool:
    groups = [group for group in text.split(":") if group]
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return False
    # Two short words around '::' may be a name of a program; a loopback address is nobody's.
    return len(groups) >= 3 and any(character.isdigit() for character in text) and not address.is_loopback


def _mac(text: str) -> bool:
    plain = re.sub("[:.-]", "", text).lower()
    return len(set(plain)) > 2


def _user_name(text: str) -> bool:
    return text.lower().rstrip(".-") not in _NO_NAMES and "(" not in text


def _on_earth(text: str) -> bool:
    numbers = [float(number) for number in re.findall(r"[0-9]{1,3}\.[0-9]+", text)]
    return len(numbers) == 2 and numbers[0] <= 90 and numbers[1] <= 180


PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        name="email",
        hazard="pii",
        expression=r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,5}[A-Za-z]{2,24}(?![A-Za-z0-9-])",
        probe=r"[A-Za-z0-9._%+-]@[A-Za-z0-9-]",
        source="RFC 5321 section 4.1.2, the ASCII part that is used",
        example="bob.smith+news@mail.example.com",
        counter="bob@example",
        group="contact",
    ),
    Pattern(
        name="phone",
        hazard="pii",
        expression=r"(?<![A-Za-z0-9_+.-])\+[1-9](?:[ .-]?\(?[0-9]{1,4}\)?){2,7}" + RIGHT,
        source="ITU-T E.164; numbering plans of libphonenumber",
        example="+44 20 7946 0958",
        counter="+44 00 7946 0958",
        validator=phone_length,
        checksum="the country's numbering plan",
        group="contact",
    ),
    Pattern(
        name="phone",
        hazard="pii",
        expression=r"(?<![A-Za-z0-9_+.-])(?:\([2-9][0-9]{2}\) ?|(?:1[ .-])?[2-9][0-9]{2}[ .-])[2-9][0-9]{2}[ .-][0-9]{4}" + RIGHT,
        source="North American Numbering Plan; area codes of libphonenumber",
        example="(415) 555-2671",
        counter="555-123-4567",
        validator=us_phone_length,
        locale="US, CA",
        checksum="the numbering plan",
        score=0.9,
        context=Context(_PHONE_WORDS, 1.0, _NO_WORDS, 0.4),
        group="contact",
    ),
    Pattern(
        name="phone",
        hazard="pii",
        expression=r"(?<![A-Za-z0-9_+./-])(?:\(0[1-9][0-9]{1,4}\)[ ]?|0[1-9][0-9]{1,4}[ /-])[0-9]{2,8}(?:[ -][0-9]{2,6}){0,3}" + RIGHT,
        source="numbering plans of the United Kingdom (Ofcom) and Germany (Bundesnetzagentur), from libphonenumber",
        example="020 7946 0958",
        counter="0123-45",
        validator=european_phone_length,
        locale="GB, DE",
        checksum="the country's numbering plan",
        score=0.8,
        context=Context(_PHONE_WORDS, 1.0, _NO_WORDS, 0.4),
        group="contact",
    ),
    Pattern(
        name="phone",
        hazard="pii",
        expression=r"(?<![A-Za-z0-9_+./-])0[1-9](?:(?: [0-9]{2}){4}|(?:\.[0-9]{2}){4}|(?:-[0-9]{2}){4})" + RIGHT,
        source="Arcep, national numbering plan: ten digits, written in pairs",
        example="01 84 17 61 18",
        counter="00 84 17 61 18",
        validator=french_phone_length,
        locale="FR",
        checksum="the country's numbering plan",
        score=0.8,
        context=Context(_PHONE_WORDS, 1.0, _NO_WORDS, 0.4),
        group="contact",
    ),
    Pattern(
        name="phone",
        hazard="pii",
        expression=r"(?<![A-Za-z0-9_+.-])(?:\+|\()?[0-9](?:[ .()-]{0,2}[0-9]){6,15}(?: ?(?:x|ext\.?) ?[0-9]{1,6})?" + RIGHT,
        source="ITU-T E.164: up to 15 digits; any grouping, where words say that it is dialled",
        example="call me at (96) 627-277",
        counter="row (96) 627-277",
        validator=whole(_dialled),
        checksum="the number of digits",
        score=0.0,
        context=Context(_PHONE_WORDS, 0.75, _NO_WORDS + r"|account|card|iban|ssn|passport|id|zip|code|amount|paid|date", 0.0),
        group="contact",
    ),
    Pattern(
        name="ip_address",
        hazard="pii",
        expression=r"(?<![A-Za-z0-9_.-])[0-9]{1,3}(?:\.[0-9]{1,3}){3,6}(?![A-Za-z0-9_-])",
        source="RFC 791; addresses that IANA gives to nobody's own network",
        example="198.41.0.4",
        counter="1.2.3.4.5",
        validator=whole(_public_v4),
        checksum="ranges of IANA",
        score=0.7,
        context=Context(
            r"ips?|ip ?addr(?:ess)?|from|host|client|server|login|visitor", 0.9, r"v|ver|versions?|release|build|section|chapter|rev", 0.2
        ),
        group="network",
    ),
    Pattern(
        name="ip_address",
        hazard="pii",
        expression=r"(?<![A-Za-z0-9_.-])(?:10|127|172|192|169|100)(?:\.[0-9]{1,3}){3,6}(?![A-Za-z0-9_-])",
        source="RFC 1918, 6598, 3927: private addresses say little about a person",
        example="ip address 10.218.6.131",
        counter="10.218.6.131.1",
        validator=whole(lambda text: _v4(text) and not _public_v4(text)),
        checksum="ranges of IANA",
        score=0.3,
        context=Context(r"ip|ip ?addr(?:ess)?", 0.6, r"v|ver|versions?|release|build|section|chapter|rev", 0.0),
        group="network",
    ),
    Pattern(
        name="ip_address",
        hazard="pii",
        expression=r"(?<![A-Za-z0-9_:.])(?:[0-9A-Fa-f]{1,4}:|::)(?:[0-9A-Fa-f]{0,4}:){1,6}[0-9A-Fa-f]{1,4}(?![A-Za-z0-9_:])",
        source="RFC 4291",
        example="2001:db8:85a3::8a2e:370:7334",
        counter="12:30:45",
        validator=whole(_v6),
        checksum="the form of RFC 4291",
        score=0.8,
        group="network",
    ),
    Pattern(
        name="mac_address",
        hazard="pii",
        expression=r"(?<![A-Za-z0-9_:-])(?:[0-9A-Fa-f]{2}(?:(?::[0-9A-Fa-f]{2}){5}|(?:-[0-9A-Fa-f]{2}){5})|[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4})"
        r"(?![A-Za-z0-9_:-])",
        source="IEEE 802, EUI-48",
        example="00:1B:44:11:3A:B7",
        counter="00:00:00:00:00:00",
        validator=whole(_mac),
        score=0.8,
        group="network",
    ),
    Pattern(
        name="user_name",
        hazard="pii",
        expression=r"(?<![A-Za-z])(?i:user[ _-]?name|user[ _-]?id|login(?:[ _-]?name)?|screen[ _-]?name|benutzername|nom d.utilisateur|nombre de usuario)"  # noqa: E501 - words and formats as they are written
        r"""['"]?\s{0,2}(?:[:=]|is)\s{0,2}['"]?([A-Za-z0-9][A-Za-z0-9._@-]{2,31})(?![A-Za-z0-9(_@-])""",
        probe=r"(?i:user|login|screen|benutzername|utilisateur|usuario)",
        source="a name that says so, and a value",
        example="user_name: k.miller84",
        counter="username: string",
        validator=whole(_user_name),
        score=0.7,
        group="contact",
    ),
    Pattern(
        name="coordinates",
        hazard="pii",
        expression=r"(?<![A-Za-z0-9_.-])[+-]?[0-9]{1,2}\.[0-9]{4,10}[°º]?[ ]?[NS]?[,;/ ][ ]?[+-]?[0-9]{1,3}\.[0-9]{4,10}(?![A-Za-z0-9_.])",
        source="ISO 6709, decimal degrees; four decimals are about ten metres",
        example="48.858370, 2.294481",
        counter="98.858370, 2.294481",
        validator=whole(_on_earth),
        checksum="ranges of latitude and longitude",
        score=0.6,
        context=Context(
            r"lat(?:itude)?|long?(?:itude)?|coord(?:inate)?s?|gps|geo|location|position|located", 0.95, r"range|between|ratio|odds", 0.3
        ),
        group="place",
    ),
    Pattern(
        name="coordinates",
        hazard="pii",
        expression=r"(?<![A-Za-z0-9_.])[0-9]{1,2}[°º] ?[0-9]{1,2}['´] ?(?:[0-9]{1,2}(?:\.[0-9]{1,6})?[\"] ?)?[NS],? ?"  # noqa: RUF001 - words and formats as they are written
        r"[0-9]{1,3}[°º] ?[0-9]{1,2}['´] ?(?:[0-9]{1,2}(?:\.[0-9]{1,6})?[\"] ?)?[EWO](?![A-Za-z0-9_])",  # noqa: RUF001 - words and formats as they are written
        source="ISO 6709, degrees, minutes and seconds",
        example="40°26'46\"N 79°58'56\"W",
        counter="40°26'46\"C",
        score=0.9,
        group="place",
    ),
    Pattern(
        name="url_credentials",
        hazard="pii",
        expression=r"(?<![A-Za-z0-9+])(?i:https?|ftps?|sftp|ssh|wss?)://[A-Za-z0-9._%~+-]{1,64}:[^\s@/:]{1,96}@[A-Za-z0-9.-]{1,128}",
        probe=r"://[A-Za-z0-9._%~+-]+:[^\s@/:]+@",
        source="RFC 3986 section 3.2.1, user information",
        example="https://bob:" + "s3cr3t@files.example.com",
        counter="https://example.com:8080/bob@home",
        group="network",
    ),
)
