"""Where a person lives: postal addresses and their codes. Formats, not gazetteers: a place's name alone is not found here."""

from fairlead.detectors.checks import whole
from fairlead.detectors.edges import alone
from fairlead.detectors.model import Context, Pattern

_STREET = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|Ter|Way|Parkway|Pkwy|Circle|Cir"
    r"|Highway|Hwy|Close|Crescent|Cres|Gardens|Gdns|Grove|Mews|Row|Walk|Trail|Trl|Alley|Plaza|Broadway|Heights|Hill|Park)"
)
_STATE = (
    r"(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]"
    r"|Alabama|California|Colorado|Florida|Georgia|Illinois|Massachusetts|Michigan|New York|New Jersey|Ohio|Oregon|Pennsylvania|Texas|Virginia"  # noqa: E501 - words and formats as they are written
    r"|Washington)"
)
_ZIP = r"[0-9]{5}(?:-[0-9]{4})?"
_POSTCODE = r"[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][ABD-HJLNP-UW-Z]{2}"
_TOWN = r"[A-Z][A-Za-z'.-]{1,24}(?: [A-Z][A-Za-z'.-]{1,24}){0,2}"
_LIVES = (
    r"address(?:es)?|live[sd]? (?:at|in)|living (?:at|in)|resid(?:es?|ing|ence)(?: at| in)?|home|ship(?:ped|ping)?(?: it| them)? to|deliver(?:y|ed)?(?: it)? (?:to|at)"  # noqa: E501 - words and formats as they are written
    r"|bill(?:ed|ing) to|mail(?:ed|ing)?(?: it)? to|located at|moved to|send(?: it)? to|anschrift|adresse|wohnt in|direcci.n|indirizzo|post ?code"  # noqa: E501 - words and formats as they are written
)
_AREAS_LISTED = (
    "AB AL B BA BB BD BH BL BN BR BS BT CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT DY E EC EH EN EX FK FY G GL "
    "GU HA HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW KY L LA LD LE LL LN LS LU M ME MK ML N NE NG NN NP NR NW OL OX PA "
    "PE PH PL PO PR RG RH RM S SA SE SG SK SL SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA WC WD WF WN WR "
    "WS WV YO ZE"
)
_AREAS = frozenset(_AREAS_LISTED.split())
"""Postcode areas (Royal Mail, Postcode Address File)."""


def _of_an_area(text: str) -> bool:
    area = text[:2] if text[1].isalpha() else text[0]
    return area in _AREAS


PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        name="postal_address",
        hazard="pii",
        expression=alone(
            rf"(?:(?:Flat|Unit|Apt|Apartment|Suite) [0-9A-Z-]{{1,5}},? )?[0-9]{{1,6}}[A-Za-z]?,? (?:[A-Z0-9][A-Za-z0-9'.-]{{0,24}} ){{1,4}}"
            rf"{_STREET}(?![A-Za-z])\.?(?:,? (?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Fl|Room|#)\.? ?[A-Za-z0-9-]{{1,6}})?"
            rf"(?:,?[ \n]{{1,2}}{_TOWN},?[ \n](?:{_STATE},?[ \n]{{1,2}}{_ZIP}|{_POSTCODE}))?"
        ),
        probe=rf"[0-9][A-Za-z]?,? (?:[A-Z0-9][A-Za-z0-9'.-]* )+{_STREET}",
        source="USPS Publication 28; Royal Mail, how to address mail",
        example="742 Evergreen Terrace, Springfield, IL 62704",
        counter="742 evergreen trees",
        locale="US, GB, CA, AU, IE",
        score=0.7,
        context=Context(_LIVES, 0.95),
        group="place",
    ),
    Pattern(
        name="postal_address",
        hazard="pii",
        expression=alone(r"(?i:p\.? ?o\.? box|post office box|postfach) [0-9]{1,6}"),
        probe=r"(?i:box|postfach) [0-9]",
        source="USPS Publication 28, section 28",
        example="P.O. Box 1234",
        counter="a box 1234",
        score=0.8,
        group="place",
    ),
    Pattern(
        name="postal_address",
        hazard="pii",
        expression=alone(rf"{_TOWN}, {_STATE},? {_ZIP}"),
        source="USPS Publication 28, last line",
        example="Springfield, IL 62704",
        counter="Springfield, XX 62704",
        locale="US",
        score=0.7,
        context=Context(_LIVES, 0.9),
        group="place",
    ),
    Pattern(
        name="postal_address",
        hazard="pii",
        expression=r"(?<![A-Za-z])[A-ZÄÖÜ][a-zäöüß-]{2,24}(?:stra(?:ß|ss)e|str\.|weg|platz|allee|gasse|ufer|damm|ring)[ ][0-9]{1,4}[a-z]?"
        r"(?:,? [0-9]{4,5} [A-ZÄÖÜ][a-zäöüß-]{2,24})?(?![A-Za-z0-9_])",
        source="DIN 5008, addresses",
        example="Lindenstraße 12a, 10969 Berlin",
        counter="Wegweiser 12",
        locale="DE, AT, CH",
        score=0.8,
        context=Context(_LIVES, 0.95),
        group="place",
    ),
    Pattern(
        name="postal_address",
        hazard="pii",
        expression=r"(?<![A-Za-z0-9_])[0-9]{1,4}(?: ?(?:bis|ter))?,? (?i:rue|avenue|boulevard|chemin|impasse|all.e|quai|cours|place|route) "
        r"(?:[A-Za-zÀ-ÿ'.-]{1,24} ){0,5}[A-Za-zÀ-ÿ'.-]{2,24},? [0-9]{5} [A-ZÀ-Ý][A-Za-zÀ-ÿ-]{1,24}(?![A-Za-z0-9_])",
        source="AFNOR NF Z 10-011",
        example="12 bis, rue de la Paix, 75002 Paris",
        counter="12 rue de la Paix",
        locale="FR, BE, CH",
        score=0.9,
        group="place",
    ),
    Pattern(
        name="postal_code",
        hazard="pii",
        expression=alone(_POSTCODE),
        source="Royal Mail, postcode formats and areas",
        example="post code SW1A 1AA",
        counter="post code QX1A 1AA",
        validator=whole(_of_an_area),
        locale="GB",
        checksum="the postcode areas",
        score=0.3,
        context=Context(_LIVES + r"|post ?codes?|postal code|zip", 0.85),
        group="place",
    ),
    Pattern(
        name="postal_code",
        hazard="pii",
        expression=alone(
            rf"{_ZIP}|[0-9]{{4}}|[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]|[0-9]{{3}}-[0-9]{{4}}|[0-9]{{2}}-[0-9]{{3}}|[0-9]{{4}} ?[A-Z]{{2}}"
        ),
        source="Universal Postal Union, addressing systems; only where words say so",
        example="zip code 53650",
        counter="area 53650",
        score=0.0,
        context=Context(
            r"zip(?: ?code)?s?|post ?codes?|postal codes?|plz|postleitzahl|code postal|c.digo postal", 0.7, "error|exit|status", 0.0
        ),
        group="place",
    ),
)
