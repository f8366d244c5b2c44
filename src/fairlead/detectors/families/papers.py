"""What identifies a person on paper: numbers of the United States, passports, licences, births, patients, vehicles."""

import re

from fairlead.detectors.checks import digits_of, luhn_holds, stdnum_check, whole
from fairlead.detectors.edges import LEFT, RIGHT, alone
from fairlead.detectors.model import Context, Pattern

_NO_WORDS = r"order|invoice|ticket|ref(?:erence)?|part|serial|sku|isbn|version|build|model|case|tracking|item"
_SSN_WORDS = r"ssn|ss ?#|social(?: security)?(?: (?:no|number|num|#))?|soc ?sec"
_MONTHS = r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"  # noqa: E501 - words and formats as they are written
_BORN = (
    r"born(?: on| in)?|date of birth|d\.?o\.?b\.?|birth ?da(?:y|te)|birth|geburtsdatum|geboren(?: am)?|geb|n.e? le|date de naissance"
    r"|fecha de nacimiento|nacid[oa](?: el)?|data di nascita|nat[oa] il|geboortedatum|data de nascimento"
)
_NOT_BORN = (
    r"issued?|expir(?:es?|ed|y|ation)|due|invoice|valid|since|until|updated|created|released?|published|hired|visit(?:ed)?|appointment"
)
_PASSPORT = r"passports?(?: ?(?:no|number|num|#|id|is))*|passeport|reisepass(?:nummer)?|pasaporte|passaporto|paspoort|passaporte|pass ?nr|travel document"  # noqa: E501 - words and formats as they are written
_LICENCE = (
    r"driv(?:er|ers|er.s|ers.|ing) licen[cs]es?|driving permit|dl|d\.l\.|licen[cs]e ?(?:no|number|num|#)|f.hrerschein(?:nummer)?"
    r"|permis(?: de conduire)?|patente(?: di guida)?|carn.t de conducir|licencia de conducir|rijbewijs|cnh"
)
_VIN_VALUES = dict(zip("0123456789ABCDEFGHJKLMNPRSTUVWXYZ", (*range(10), *range(1, 9), *range(1, 6), 7, 9, *range(2, 10)), strict=True))
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def ssn_length(candidate: str) -> int:
    """Return the candidate's length if it is a possible US social security number (SSA: no 000, 666, 9xx; no 00; no 0000)."""
    digits = digits_of(candidate)
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    possible = area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"
    return len(candidate) if possible and len(set(digits)) > 1 else 0


def vin_holds(text: str) -> bool:
    """Tell whether the ninth character of a vehicle id is its check digit (49 CFR 565.15; ISO 3779 has none outside North America)."""
    total = sum(weight * _VIN_VALUES[character] for weight, character in zip(_VIN_WEIGHTS, text, strict=True)) % 11
    return text[8] == ("X" if total == 10 else str(total)) and _mixed(text)


def npi_holds(text: str) -> bool:
    """Tell whether ten digits are a US provider number: Luhn with the prefix 80840 (45 CFR 162.406)."""
    return luhn_holds("80840" + text)


def dea_holds(text: str) -> bool:
    """Tell whether two letters and seven digits are a registration of the US Drug Enforcement Administration."""
    digits = [int(digit) for digit in digits_of(text)[-7:]]
    return (sum(digits[0:6:2]) + 2 * sum(digits[1:6:2])) % 10 == digits[6]


def mrz_holds(text: str) -> bool:
    """Tell whether the second line of a passport carries its check digits (ICAO 9303 part 4)."""
    fields = ((text[:9], text[9]), (text[13:19], text[19]), (text[21:27], text[27]))
    return all(_mrz_digit(field) == digit for field, digit in fields)


def _mrz_digit(field: str) -> str:
    values = (0 if character == "<" else int(character, 36) for character in field)
    return str(sum(value * (7, 3, 1)[place % 3] for place, value in enumerate(values)) % 10)


def calendar_holds(text: str) -> bool:
    """Tell whether a date can be one of birth: day, month and year exist, in one of the orders that are written."""
    numbers = [int(number) for number in re.findall("[0-9]+", text)]
    if re.search("[A-Za-z]", text):
        day, year = (numbers[0], numbers[-1]) if len(numbers) > 1 else (1, numbers[0])
        return 1 <= day <= 31 and _year(year)
    if numbers[0] > 31:
        return _year(numbers[0]) and 1 <= numbers[1] <= 12 and 1 <= numbers[2] <= 31
    first, second, year = numbers
    return _year(year) and 1 <= first <= 31 and 1 <= second <= 31 and min(first, second) <= 12


def _year(number: int) -> bool:
    return 1900 <= number <= 2099 or number <= 99


def _mixed(text: str) -> bool:
    return any(character.isdigit() for character in text) and any(character.isalpha() for character in text)


def _passport(locale: str, expression: str, source: str, example: str) -> Pattern:
    return Pattern(
        name="passport",
        hazard="pii",
        expression=alone(expression),
        source=source,
        example=f"passport number {example}",
        counter=f"batch number {example}",
        locale=locale,
        score=0.0,
        context=Context(_PASSPORT, 0.9, _NO_WORDS, 0.0),
        group="document",
    )


def _licence(locale: str, expression: str, source: str, example: str) -> Pattern:
    return Pattern(
        name="driving_licence",
        hazard="pii",
        expression=alone(expression),
        source=source,
        example=f"driving licence {example}",
        counter=f"batch number {example}",
        locale=locale,
        score=0.0,
        context=Context(_LICENCE, 0.85, _NO_WORDS, 0.0),
        group="document",
    )


PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        name="us_ssn",
        hazard="pii",
        expression=LEFT + r"[0-9]{3}-[0-9]{2}-[0-9]{4}" + RIGHT,
        source="US Social Security Administration, number structure",
        example="536-90-4399",
        counter="666-90-4399",
        validator=ssn_length,
        locale="US",
        checksum="areas, groups and serials that were never given",
        score=0.9,
        context=Context(_SSN_WORDS, 1.0, _NO_WORDS, 0.4),
        group="government_id",
    ),
    Pattern(
        name="us_ssn",
        hazard="pii",
        expression=LEFT + r"[0-9]{3}[ .]?[0-9]{2}[ .]?[0-9]{4}" + RIGHT,
        source="US Social Security Administration, number structure; without dashes only where words say so",
        example="my ssn is 536904399",
        counter="order 536904399",
        validator=ssn_length,
        locale="US",
        checksum="areas, groups and serials that were never given",
        score=0.0,
        context=Context(_SSN_WORDS, 0.9, _NO_WORDS + "|phone|account|routing", 0.0),
        group="government_id",
    ),
    Pattern(
        name="us_itin",
        hazard="pii",
        expression=LEFT + r"9[0-9]{2}-[0-9]{2}-[0-9]{4}" + RIGHT,
        source="US Internal Revenue Service, individual taxpayer identification number",
        example="912-90-3456",
        counter="912-89-3456",
        validator=stdnum_check("us.itin"),
        locale="US",
        checksum="groups that are given",
        score=0.8,
        context=Context(r"itin|taxpayer(?: id)?|tin", 1.0, _NO_WORDS, 0.4),
        group="government_id",
    ),
    Pattern(
        name="us_itin",
        hazard="pii",
        expression=LEFT + r"9[0-9]{8}" + RIGHT,
        source="US Internal Revenue Service; without dashes only where words say so",
        example="ITIN 912903456",
        counter="order 912903456",
        validator=stdnum_check("us.itin"),
        locale="US",
        checksum="groups that are given",
        score=0.0,
        context=Context(r"itin|taxpayer(?: id)?", 0.9),
        group="government_id",
    ),
    Pattern(
        name="us_ein",
        hazard="pii",
        expression=LEFT + r"[0-9]{2}-?[0-9]{7}" + RIGHT,
        source="US Internal Revenue Service, employer identification number prefixes",
        example="EIN: 91-1144442",
        counter="EIN: 07-1144442",
        validator=stdnum_check("us.ein"),
        locale="US",
        checksum="prefixes that are given",
        score=0.0,
        context=Context(r"f?ein|employer(?: identification| id)?(?: number)?|tax id|federal tax", 0.9, _NO_WORDS, 0.0),
        group="government_id",
    ),
    _passport("US, GB, NL", r"[0-9]{9}", "US Department of State; HM Passport Office", "340020013"),
    _passport(
        "US, IN, MX, AU, NZ, KR, JP, AR",
        r"[A-Z]{1,2}[0-9]{6,8}",
        "national passport authorities; one or two letters, 6 to 8 digits",
        "C03005988",
    ),
    _passport("FR", r"[0-9]{2}[A-Z]{2}[0-9]{5}", "Agence nationale des titres sécurisés", "14AA12345"),
    _passport("DE", r"[CFGHJK][CFGHJKLMNPRTVWXYZ0-9]{8}[0-9]?", "Bundesdruckerei, serial numbers", "C01X00T478"),
    _passport("ES, PL", r"[A-Z]{2,3}[0-9]{6,7}[A-Z]?", "Dirección General de la Policía; Polish Ministry of the Interior", "PAA123456"),
    _passport("RU", r"[0-9]{2} ?[0-9]{2} ?(?:№ ?)?[0-9]{6}", "Russian Ministry of the Interior: series and number", "4510 123456"),
    _passport("CN", r"[EGDSP][A-HJ-NP-Z0-9]?[0-9]{7,8}", "National Immigration Administration of China", "E12345678"),
    Pattern(
        name="passport",
        hazard="pii",
        expression=r"(?<![A-Z0-9<])[A-Z0-9<]{9}[0-9][A-Z<]{3}[0-9]{7}[MFX<][0-9]{7}[A-Z0-9<]{15}[0-9](?![A-Z0-9<])",
        source="ICAO 9303 part 4, machine-readable zone, second line",
        example="L898902C36UTO7408122F1204159ZE184226B<<<<<10",
        counter="L898902C37UTO7408122F1204159ZE184226B<<<<<10",
        validator=whole(mrz_holds),
        checksum="weights 7, 3, 1 modulo 10, three times",
        group="document",
    ),
    _licence(
        "US",
        r"[A-Z]{1,2}[0-9]{5,14}[A-Z]?|[0-9]{7,12}|[0-9]{4}-[0-9]{2}-[0-9]{4}|[A-Z][0-9]{3}(?:-[0-9]{2,4}){2,4}|[0-9]{2}[A-Z]{3}[0-9]{5}|[A-Z0-9*]{12}",
        "AAMVA, licence number formats by state",
        "A1234567",
    ),
    _licence("DE", r"[A-Z0-9][0-9]{2}[A-Z0-9]{6}[0-9][A-Z0-9]", "Fahrerlaubnis-Verordnung, Anlage 8", "B072RRE2I55"),
    _licence(
        "IT, FR, ES",
        r"[A-Z]{2}[0-9]{7}[A-Z]|U1[A-Z0-9]{7}[A-Z]|[0-9]{8}-?[A-Z]",
        "Directive 2006/126/EC, field 5, as these states fill it",
        "RM1234567X",
    ),
    Pattern(
        name="driving_licence",
        hazard="pii",
        expression=alone(
            r"[A-Z9]{5} ?[0-9](?:0[1-9]|1[0-2]|5[1-9]|6[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9] ?[A-Z9]{2}[0-9A-Z][A-Z]{2}(?: ?[0-9]{2})?"
        ),
        source="DVLA, driver number: name, date of birth, initials, check characters",
        example="MORGA657054SM9IJ",
        counter="MORGA697054SM9IJ",
        locale="GB",
        checksum="month and day of birth",
        score=0.9,
        group="document",
    ),
    Pattern(
        name="driving_licence",
        hazard="pii",
        expression=alone(r"[A-Z][0-9]{4}-[0-9]{5}-[0-9]{5}"),
        source="Ministry of Transportation of Ontario, driver's licence number",
        example="S1234-12345-12345",
        counter="S1234-12345-1234",
        locale="CA",
        score=0.8,
        group="document",
    ),
    Pattern(
        name="date_of_birth",
        hazard="pii",
        expression=alone(
            r"[0-9]{1,2}[/.-][0-9]{1,2}[/.-](?:[0-9]{4}|[0-9]{2})|(?:19|20)[0-9]{2}[/.-][0-9]{1,2}[/.-][0-9]{1,2}"
            rf"|[0-9]{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTHS},? (?:19|20)[0-9]{{2}}|{_MONTHS} [0-9]{{1,2}}(?:st|nd|rd|th)?,? (?:19|20)[0-9]{{2}}"  # noqa: E501 - words and formats as they are written
        ),
        source="dates as ISO 8601 and usage write them; only where words say that it is a birth",
        example="born on 12 May 1980",
        counter="issued on 12 May 1980",
        validator=whole(calendar_holds),
        checksum="the calendar",
        score=0.0,
        context=Context(_BORN, 0.9, _NOT_BORN, 0.0),
        group="birth",
    ),
    Pattern(
        name="medical_record_number",
        hazard="pii",
        expression=alone(r"[A-Z]{0,3}-?[0-9]{5,12}"),
        source="HIPAA, 45 CFR 164.514(b)(2)(i)(H); hospitals choose their own form",
        example="MRN: 00482913",
        counter="order 00482913",
        score=0.0,
        context=Context(
            r"mrn|medical record(?: ?(?:no|number|num|#))?|patient ?(?:id|no|number|#)|chart ?(?:no|number|#)|health record|hospital (?:no|number)",  # noqa: E501 - words and formats as they are written
            0.9,
            _NO_WORDS + "|phone|npi|account",
            0.0,
        ),
        group="health",
    ),
    Pattern(
        name="us_npi",
        hazard="pii",
        expression=alone(r"[12][0-9]{9}"),
        source="US CMS, national provider identifier; 45 CFR 162.406",
        example="NPI 1234567893",
        counter="NPI 1234567894",
        validator=whole(npi_holds),
        locale="US",
        checksum="Luhn with the prefix 80840",
        score=0.0,
        context=Context(r"npi|provider(?: ?(?:id|no|number|identifier|#))?|physician|prescriber", 1.0, _NO_WORDS + "|phone|tel|call", 0.0),
        group="health",
    ),
    Pattern(
        name="us_dea_number",
        hazard="pii",
        expression=alone(r"[A-HJ-MP-UX][A-Z9][0-9]{7}"),
        source="US Drug Enforcement Administration, registration numbers",
        example="DEA number AB1234563",
        counter="DEA number AB1234564",
        validator=whole(dea_holds),
        locale="US",
        checksum="odd and twice the even digits, modulo 10",
        score=0.0,
        context=Context(r"dea(?: ?(?:no|number|#))?|prescri(?:ber|bing|ption)", 0.95),
        group="health",
    ),
    Pattern(
        name="us_mbi",
        hazard="pii",
        expression=alone(
            r"[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9][0-9]-?[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9][0-9]-?[AC-HJKMNP-RT-Y]{2}[0-9]{2}"
        ),
        source="US CMS, Medicare beneficiary identifier format",
        example="1EG4-TE5-MK73",
        counter="1EG4-TE5-MS73",
        locale="US",
        score=0.8,
        context=Context(r"medicare|mbi|beneficiary", 1.0),
        group="health",
    ),
    Pattern(
        name="vehicle_id",
        hazard="pii",
        expression=alone(r"[A-HJ-NPR-Z0-9]{8}[0-9X][A-HJ-NPR-Z0-9]{2}[A-HJ-NPR-Z0-9]{2}[0-9]{4}"),
        source="ISO 3779; 49 CFR 565",
        example="1HGCM82633A004352",
        counter="1HGCM82643A004352",
        validator=whole(vin_holds),
        checksum="the ninth character, modulo 11",
        score=0.8,
        context=Context(r"vin|vehicle(?: id(?:entification)?)?(?: number)?|chassis", 1.0, _NO_WORDS, 0.4),
        group="vehicle",
    ),
    Pattern(
        name="vehicle_id",
        hazard="pii",
        expression=alone(r"[A-HJ-NPR-Z]{1,3}[A-HJ-NPR-Z0-9]{10,12}[0-9]{4}"),
        source="ISO 3779; without a check digit, as outside North America, only where words say so",
        example="VIN WVWZZZ1JZXW000001",
        counter="id WVWZZZ1JZXW000001",
        validator=whole(lambda text: len(text) == 17 and _mixed(text)),
        checksum="the length",
        score=0.0,
        context=Context(r"vin|vehicle id(?:entification)?(?: number)?|chassis(?: ?(?:no|number))?|fahrgestellnummer|fin", 0.85),
        group="vehicle",
    ),
)
