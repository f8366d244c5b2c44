"""What a text carries: addresses and account numbers inside of it, which lead its reader to where an attacker may want him.

A link in a mail, an account in a note for later: the text around it is the model's, but such a value is asked where it comes from, as an
argument of its own would be.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Literal, NamedTuple

from fairlead.detectors import CHECKS

Kind = Literal["web", "mail", "account", "card"]
MAX_CARRIED = 64
"""Values in one text; a text with more carries what can't be vouched for."""

_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@(?:[\w-]{1,63}\.)+[^\W\d_]{2,24}")
_WEB = re.compile(
    r"(?:https?://|www\.)[^\s<>\"'`\u201c\u201d]+"
    r"|(?<![\w@.-])(?:[\w-]{1,63}\.)+(?:com|net|org|info|biz|io|co|app|xyz|top|online|site|shop|link|click|ru|cn|example)(?![\w-])(?:/[^\s<>\"'`]*)?"
)
_ACCOUNT = re.compile(r"(?<!\w)[a-z]{2}\d{2}(?: ?[a-z0-9]{4}){2,7}(?: ?[a-z0-9]{1,3})?(?!\w)")
"""The form of an IBAN (ISO 13616), whatever its check digits: a wrong one is an attempt too."""
_CARD = re.compile(r"(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-])")
_MIN_DIGITS = 10
_ENDS = ".,;:!?)]}>"


class Piece(NamedTuple):
    """One value inside of a text, as it is written there, folded."""

    kind: Kind
    text: str

    @property
    def compact(self) -> str:
        """The value without the gaps that people write for the eye."""
        return self.text if self.kind in ("web", "mail") else re.sub("[ -]", "", self.text)


def pieces(text: str) -> Iterator[Piece]:
    """Yield the addresses and account numbers that stand inside of a text."""
    folded = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()
    if "@" in folded:
        yield from (Piece("mail", found.group()) for found in _MAIL.finditer(folded))
        folded = _MAIL.sub(" ", folded)
    if "." in folded:
        yield from (Piece("web", found.group().rstrip(_ENDS)) for found in _WEB.finditer(folded))
        folded = _WEB.sub(" ", folded)
    if sum(map(folded.count, "0123456789")) < _MIN_DIGITS:
        return
    accounts = [found.group() for found in _ACCOUNT.finditer(folded) if sum(char.isdigit() for char in found.group()) >= _MIN_DIGITS]
    yield from (Piece("account", account) for account in accounts)
    yield from (Piece("card", found.group()) for found in _CARD.finditer(folded) if CHECKS["luhn"](found.group()))
