"""Numbers, amounts, dates and times of a text, normalised, so that the same quantity in another writing is the same.

Units are converted only where the conversion is exact: kilometres and metres, miles and feet (international, 1959), hours and minutes,
a dozen. A month has no length in days, so it is never converted to days.
"""

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Literal, NamedTuple

Near = Literal["exact", "about", "least", "most"]
"""What stands before a quantity: nothing, ``about``, ``at least`` or ``at most``."""


class Quantity(NamedTuple):
    """One quantity of a text."""

    start: int
    end: int
    value: Fraction
    unit: str
    """Dimension in its base unit (``m``, ``s``, ``%``, ``USD``), ``year-month`` and the like for dates; empty for a bare number."""
    near: Near = "exact"
    small: bool = False
    """True for a number word up to ten: such counts are often made by whoever retells."""


_SMALL = dict(
    zip(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ],
        range(20),
        strict=True,
    )
)
_TENS = dict(zip(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], range(20, 100, 10), strict=True))
_SCALES = {
    "hundred": 100,
    "thousand": 1_000,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
    "k": 1_000,
    "m": 10**6,
    "mn": 10**6,
    "bn": 10**9,
    "b": 10**9,
    "tn": 10**12,
    "dozen": 12,
}
_MONTHS = {
    name: index // 2 + 1
    for index, name in enumerate(
        [
            "january",
            "jan",
            "february",
            "feb",
            "march",
            "mar",
            "april",
            "apr",
            "may",
            "may",
            "june",
            "jun",
            "july",
            "jul",
            "august",
            "aug",
            "september",
            "sep",
            "october",
            "oct",
            "november",
            "nov",
            "december",
            "dec",
        ]
    )
} | {"sept": 9}
_CURRENCIES = {
    "$": "USD",
    "us$": "USD",
    "usd": "USD",
    "dollar": "USD",
    "dollars": "USD",
    "€": "EUR",
    "eur": "EUR",
    "euro": "EUR",
    "euros": "EUR",
    "£": "GBP",
    "gbp": "GBP",
    "¥": "JPY",
    "jpy": "JPY",
    "yen": "JPY",
    "₹": "INR",
    "inr": "INR",
    "rupees": "INR",
    "chf": "CHF",
    "francs": "CHF",
}
_UNITS: dict[str, tuple[str, Fraction]] = {
    form: (unit, Fraction(size))
    for unit, size, forms in (
        ("m", "1", "m metre metres meter meters"),
        ("m", "1000", "km kilometre kilometres kilometer kilometers kms"),
        ("m", "1/100", "cm centimetre centimetres centimeter centimeters"),
        ("m", "1/1000", "mm millimetre millimetres millimeter millimeters"),
        ("m", "0.0254", "inch inches"),
        ("m", "0.3048", "ft foot feet"),
        ("m", "0.9144", "yd yard yards"),
        ("m", "1609.344", "mile miles mi"),
        ("g", "1", "g gram grams gramme grammes"),
        ("g", "1000", "kg kilo kilos kilogram kilograms"),
        ("g", "1/1000", "mg milligram milligrams"),
        ("g", "1000000", "t tonne tonnes"),
        ("g", "453.59237", "lb lbs"),
        ("g", "28.349523125", "oz ounce ounces"),
        ("l", "1", "l litre litres liter liters"),
        ("l", "1/1000", "ml millilitre millilitres milliliter milliliters"),
        ("l", "1/100", "cl centilitre centilitres"),
        ("s", "1", "s sec secs second seconds"),
        ("s", "1/1000", "ms millisecond milliseconds"),
        ("s", "60", "min mins minute minutes"),
        ("s", "3600", "h hr hrs hour hours hourly"),
        ("s", "86400", "day days"),
        ("s", "604800", "week weeks"),
        ("month", "1", "month months"),
        ("month", "3", "quarters"),
        ("month", "12", "year years yr yrs"),
        ("month", "120", "decade decades"),
        ("month", "1200", "century centuries"),
        ("byte", "1", "byte bytes"),
        ("byte", "1000", "kb kilobyte kilobytes"),
        ("byte", "1000000", "mb megabyte megabytes"),
        ("byte", "1000000000", "gb gigabyte gigabytes"),
        ("byte", "1000000000000", "tb terabyte terabytes"),
        ("%", "1", "% percent pct"),
        ("point", "1", "points pp"),
        ("W", "1", "w watt watts"),
        ("W", "1000", "kw kilowatt kilowatts"),
        ("W", "1000000", "mw megawatt megawatts"),
        ("Wh", "1000", "kwh"),
        ("C", "1", "°c celsius"),
        ("F", "1", "°f fahrenheit"),
        ("degree", "1", "° degree degrees"),
    )
    for form in forms.split()
}
_NUMBER_WORDS = "|".join(sorted([*_SMALL, *_TENS, "hundred", "thousand", "million", "billion", "trillion", "dozen"], key=len, reverse=True))
_DIGITS = r"\d{1,3}(?:[,\u00a0\u202f ]\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?"
_AMOUNT = re.compile(
    rf"(?P<sign>us\$|[$€£¥₹]|\b(?:usd|eur|gbp|jpy|inr|chf)\b)?\s?"
    rf"(?:(?<![\w.,])(?P<digits>{_DIGITS})(?P<ordinal>st|nd|rd|th)?(?![\d])"
    rf"|\b(?P<words>(?:(?:a|half a)\s(?=hundred|thousand|million|billion|dozen))?"
    rf"(?:{_NUMBER_WORDS})(?:(?:\s|-|\sand\s)(?:{_NUMBER_WORDS}))*)\b)"
    r"(?:[ \u00a0-]?(?P<scale>hundred|thousand|million|billion|trillion|dozen|k|mn|bn|tn|m|b)\b(?!\.\w))?"
    r"(?:[ \u00a0-]?(?P<unit>%|°[cf]?|per\s?cent(?:age points?)?|[a-z]+\b))?",
    re.IGNORECASE,
)
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|"
    r"aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DATE = re.compile(
    r"\b(?P<iso>(?:1[5-9]|20)\d\d-\d\d-\d\d)\b"
    rf"|\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:\sof)?\s(?P<month>{_MONTH})\b\.?(?:,?\s(?P<year>(?:1[5-9]|20)\d\d)\b)?"
    rf"|\b(?P<month2>{_MONTH})\b\.?\s(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?\b(?!:)(?:,?\s(?P<year2>(?:1[5-9]|20)\d\d)\b)?"
    rf"|\b(?P<month3>{_MONTH})\b\.?\s(?P<year3>(?:1[5-9]|20)\d\d)\b"
    r"|\b(?P<a>\d{1,2})[/.](?P<b>\d{1,2})[/.](?P<c>(?:1[5-9]|20)\d\d)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\b(?P<hour>\d{1,2})(?:[:.](?P<minute>[0-5]\d))?\s?(?P<half>[ap])\.?m\b\.?|\b(?P<hour2>[01]?\d|2[0-4]):(?P<minute2>[0-5]\d)\b",
    re.IGNORECASE,
)
_BEFORE: tuple[tuple[Near, re.Pattern[str]], ...] = (
    (
        "about",
        re.compile(r"\b(?:about|around|roughly|approximately|some|circa|nearly|almost|close to|or so|estimated)\s*\Z", re.IGNORECASE),
    ),
    (
        "least",
        re.compile(
            r"\b(?:over|more than|at least|exceeding|above|upwards of|no less than|no fewer than|minimum of|beyond)\s*\Z", re.IGNORECASE
        ),
    ),
    (
        "most",
        re.compile(
            r"\b(?:under|less than|fewer than|at most|up to|below|no more than|within|maximum of|not more than)\s*\Z", re.IGNORECASE
        ),
    ),
)
_NUMBER_ENDING = re.compile(r"\A\s?(?:or so|approximately)\b", re.IGNORECASE)


def quantities(text: str, start: int = 0, end: int | None = None) -> list[Quantity]:
    """Return the quantities of a stretch of a text, in order and apart.

    Args:
        text: The text.
        start: Where the stretch begins.
        end: Where it ends.
    """
    stop = len(text) if end is None else end
    found = sorted([*_dates(text, start, stop), *_times(text, start, stop)])
    taken = [(entry.start, entry.end) for entry in found]
    for entry in _amounts(text, start, stop):
        if not any(entry.start < last and first < entry.end for first, last in taken):
            found.append(entry)
    return sorted(found)


def agrees(claimed: Quantity, given: Quantity) -> bool:
    """Tell whether a source's quantity bears out a claim's.

    Args:
        claimed: What the claim says.
        given: What a source says.
    """
    if given.unit in ("date", "year-month") and claimed.unit != given.unit:
        return _date_agrees(claimed, given)
    if claimed.unit and given.unit and claimed.unit != given.unit:
        return False
    return claimed.value == given.value or _nearly(claimed, given)


def _nearly(claimed: Quantity, given: Quantity) -> bool:
    """Tell whether two values agree as far as "about", "at least" and "at most" let them."""
    if claimed.near == "exact":
        return given.near == "about" and abs(claimed.value - given.value) * 50 <= abs(given.value)
    if claimed.near == "about":
        return abs(claimed.value - given.value) * 10 <= abs(given.value)
    if claimed.near == "least":
        return claimed.value < given.value <= claimed.value * Fraction(5, 4)
    return claimed.value * Fraction(3, 4) <= given.value < claimed.value


def borne_out(claimed: Quantity, given: Sequence[Quantity]) -> bool:
    """Tell whether any quantity of the sources bears out a claim's."""
    return any(agrees(claimed, entry) for entry in given)


def _date_agrees(claimed: Quantity, given: Quantity) -> bool:
    """Tell whether a date bears out a less exact one: of 5 March 2024, the 5 March, March 2024 and 2024 are true too."""
    if given.unit == "date":
        year, month, day = int(given.value) // 10_000, int(given.value) // 100 % 100, int(given.value) % 100
        parts = {"month-day": month * 100 + day, "year-month": year * 100 + month, "": year}
        return claimed.unit in parts and claimed.value == parts[claimed.unit]
    return given.unit == "year-month" and claimed.unit == "" and claimed.value == int(given.value) // 100


def _amounts(text: str, start: int, end: int) -> Iterator[Quantity]:
    for match in _AMOUNT.finditer(text, start, end):
        value = _value_of(match)
        if value is None:
            continue
        unit, size, stop = _unit_of(match)
        sign = _CURRENCIES.get((match["sign"] or "").lower(), "")
        first = match.start("sign") if sign else match.start("digits") if match["digits"] else match.start("words")
        if sign:
            unit, size, stop = sign, Fraction(1), match.end("scale") if match["scale"] else _number_end(match)
        bare = match["words"] is not None and not match["scale"] and not unit
        if bare and match["words"].lower() == "one":
            continue
        small = match["words"] is not None and value <= 10
        yield Quantity(first, stop, value * size, unit, _near(text, first, stop), small)


def _value_of(match: re.Match[str]) -> Fraction | None:
    digits = match["digits"]
    value = Fraction(re.sub(r"[,\s\u00a0\u202f]", "", digits)) if digits else _spelled(match["words"].lower())
    if value is None:
        return None
    scale = match["scale"]
    if scale and _is_scale(match):
        value *= _SCALES[scale.lower()]
    return value


def _is_scale(match: re.Match[str]) -> bool:
    """Tell whether the letter after a number is a scale: in ``5 m`` it is a unit, in ``$5m`` and ``5M`` it is a scale."""
    scale = match["scale"]
    return len(scale) > 1 or scale in "kKB" or (scale in "mMb" and bool(match["sign"])) or scale == "M"


def _unit_of(match: re.Match[str]) -> tuple[str, Fraction, int]:
    number_end = match.end("scale") if match["scale"] and _is_scale(match) else _number_end(match)
    name = (match["unit"] or "").lower()
    if match["ordinal"] or re.fullmatch(r"(?:1[5-9]|20)\d0s", match.group().strip().lower()):
        return "", Fraction(1), number_end
    if match["scale"] and not _is_scale(match):
        unit, size = _UNITS.get(match["scale"].lower(), ("", Fraction(1)))
        return unit, size, match.end("scale")
    if name.startswith("per"):
        name = "points" if "point" in name else "percent" if "cent" in name else ""
    if name in _CURRENCIES:
        return _CURRENCIES[name], Fraction(1), match.end("unit")
    if name in _UNITS:
        unit, size = _UNITS[name]
        return unit, size, match.end("unit")
    return "", Fraction(1), number_end


def _number_end(match: re.Match[str]) -> int:
    if match["digits"]:
        return match.end("ordinal") if match["ordinal"] else match.end("digits")
    return match.end("words")


def _spelled(words: str) -> Fraction | None:
    half = words.startswith("half a")
    total, group = 0, 0
    for word in re.split(r"[\s-]+", words.removeprefix("half a").removeprefix("a ").strip()):
        if word == "and":
            continue
        if word in _SMALL or word in _TENS:
            group += _SMALL.get(word, 0) + _TENS.get(word, 0)
        elif word == "hundred":
            group = max(group, 1) * 100
        elif word in _SCALES:
            total += max(group, 1) * _SCALES[word]
            group = 0
        else:
            return None
    value = Fraction(total + group)
    return value / 2 if half else value


def _near(text: str, start: int, end: int) -> Near:
    before = text[max(0, start - 20) : start]
    if _NUMBER_ENDING.match(text[end : end + 16]):
        return "about"
    return next((kind for kind, pattern in _BEFORE if pattern.search(before)), "exact")


def _dates(text: str, start: int, end: int) -> Iterator[Quantity]:
    for match in _DATE.finditer(text, start, end):
        if (match["month"] or match["month2"] or match["month3"] or "M")[0].islower():
            continue
        for unit, value in _readings(match):
            yield Quantity(match.start(), match.end(), Fraction(value), unit)


def _readings(match: re.Match[str]) -> Iterator[tuple[str, int]]:
    if match["iso"]:
        yield "date", int(match["iso"].replace("-", ""))
        return
    if match["c"]:
        first, second, year = int(match["a"]), int(match["b"]), int(match["c"])
        # Which of the two is the month is not known: each reading that is a date counts.
        for month, day in dict.fromkeys(((second, first), (first, second))):
            if 1 <= month <= 12 and 1 <= day <= 31:
                yield "date", year * 10_000 + month * 100 + day
        return
    name = match["month"] or match["month2"] or match["month3"]
    month = _MONTHS[name.lower()]
    if match["month3"]:
        yield "year-month", int(match["year3"]) * 100 + month
        return
    day = int(match["day"] or match["day2"])
    year = int(match["year"] or match["year2"] or 0)
    if 1 <= day <= 31:
        yield ("date", year * 10_000 + month * 100 + day) if year else ("month-day", month * 100 + day)


def _times(text: str, start: int, end: int) -> Iterator[Quantity]:
    for match in _TIME.finditer(text, start, end):
        hour = int(match["hour"] or match["hour2"])
        minute = int(match["minute"] or match["minute2"] or 0)
        if match["half"]:
            if not 1 <= hour <= 12:
                continue
            hour = hour % 12 + (12 if match["half"].lower() == "p" else 0)
        yield Quantity(match.start(), match.end(), Fraction(hour * 60 + minute), "clock")
