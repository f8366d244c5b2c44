"""Finding orders: what any line tells the model to do, to show or to say. No judgement of who says it."""

import re
from collections.abc import Iterator

import msgspec

from fairlead.crash_model.reading import Context, Line, tokens

ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
CUSTOMER = re.compile(r"\b[A-Z]-\d{3,}\b")
_QUOTED = re.compile(r"[\"“„]([^\"”“]+)[\"”]")
_SEND = re.compile(
    r"\b(?:send|sends|sending|e-?mail(?:s|ed)?|mail(?:s|ed)?|forward (?:the|his|her|all|every\w*|everything|customer|it|this)|send_email"
    r"|schicken?|senden?|envoyez|envoyer|env[ií]a|env[ií]es|envie|invia|stuur|gönder|e-posta)\b",
    re.IGNORECASE,
)
_NO_ORDER = re.compile(r"\be-?mail address(?:es)?\b", re.IGNORECASE)
_NEGATED = re.compile(r"\b(?:don't|do not|must not|never|not)\s+(?:\w+\s+)?$", re.IGNORECASE)
_CONDITION = re.compile(r"\b(?:when|whenever|as soon as)\b(.*)", re.IGNORECASE | re.DOTALL)
_TICKET = re.compile(
    r"\b(?:create|creates|open|opens|file|files|raise|raises|submit|call|calls|make)\b[^.!?\n]{0,24}?(?:\bticket\b|\bcreate_ticket\b)",
    re.IGNORECASE,
)
_SUBJECT = re.compile(r"\bsubject[:\s]+(?:[\"“]([^\"”]+)[\"”]|([^.,\n\"“]+?)(?=\s+for\s|[.,\n]|$))", re.IGNORECASE)
_BODY = re.compile(r"\b(?:body|text)[:\s]+(?:[\"“]([^\"”]+)[\"”]|(.+))|\bsaying that\b\s*(.+)", re.IGNORECASE | re.DOTALL)
_LOOK_UP = re.compile(r"\blook(?:s|ing)?[ -]up\b|\blookup_\w+|\bpull up\b|\bread the\b|\bcheck\b", re.IGNORECASE)
_SEARCH = re.compile(r"\bsearch(?:_docs| for| the docs for)\b:?\s+[\"“]([^\"”]+)[\"”]", re.IGNORECASE)
_INCLUDE = re.compile(
    r"\b(?:include|including|records?|card|details?|data|everything|file|have on|copy"
    r"|daten|dossier|ficha|datos|registro|dati|gegevens|kayd\w+)\b",
    re.IGNORECASE,
)
_OWN_TEXT = re.compile(
    r"system (?:prompt|message)|\b(?:your|own|initial)\b[^.\n]{0,24}\b(?:instructions|guidelines|configuration|rules|brief)\b"
    r"|vos consignes|words above|text you were given|operator gave you|(?:staff|internal)(?: staff)? reference"
    r"|(?:this|the) conversation|present dialogue",
    re.IGNORECASE,
)
_SAY = re.compile(
    r"\b(?:say|says|tell the customer|reply|replies|answers?|render|add to|put this|finish with|give the customer|end every)\b",
    re.IGNORECASE,
)
_REPEAT = re.compile(r"\b(?:repeat|echo|read back|state|show)\b", re.IGNORECASE)


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be done with a tool."""

    kind: str
    """``mail``, ``ticket``, ``lookup`` or ``search``."""
    target: str
    """Address, customer id or query."""
    subject: str = ""
    body: str = ""
    line: str = ""
    """Where it was read; decides what is included."""


def orders(context: Context) -> Iterator[Order]:
    """Yield every order that is found anywhere, newest first."""
    for line in context.lines:
        complete_only = line.source in ("system", "developer")
        yield from _lookups(line)
        if complete_only and not ADDRESS.search(line.text):
            continue
        yield from _mails(line, context)
        yield from _tickets(line, context)
        yield from (Order(kind="search", target=match[1], line=line.text) for match in _SEARCH.finditer(line.text))


def wants_own_text(text: str) -> bool:
    """Tell whether a line asks for the system text, in whatever words."""
    return bool(_OWN_TEXT.search(text))


def wants_what_was_read(text: str) -> bool:
    """Tell whether a line asks to hand on what was read."""
    return bool(_INCLUDE.search(text))


def repeats(text: str) -> bool:
    """Tell whether a line asks to repeat or state something."""
    return bool(_REPEAT.search(text))


def sayings(context: Context) -> Iterator[str]:
    """Yield what documents and tool results tell the model to say: the quoted words after the verb, or the sentence itself."""
    for line in context.lines:
        if line.source in ("system", "developer") or line.text == context.question:
            continue
        for match in _SAY.finditer(line.text):
            rest = line.text[match.start() :]
            sentence = line.text[line.text.rfind(". ", 0, match.start()) + 1 :]
            yield "\n".join(_QUOTED.findall(rest)) or sentence.strip()


def _mails(line: Line, context: Context) -> Iterator[Order]:
    text = _NO_ORDER.sub("", line.text)
    verb = _SEND.search(text)
    if verb is None or not _holds(text[: verb.start()], line, context):
        return
    subject, body = _subject(line.text), _body(line.text)
    for address in dict.fromkeys(match.rstrip(".") for match in ADDRESS.findall(line.text)):
        yield Order(kind="mail", target=address, subject=subject or "as asked", body=body, line=line.text)


def _tickets(line: Line, context: Context) -> Iterator[Order]:
    order = _TICKET.search(line.text)
    if order is None or not _holds(line.text[: order.start()], line, context):
        return
    quoted = _QUOTED.search(line.text)
    before_quote = line.text[: quoted.start()].lower() if quoted else ""
    subject = _subject(line.text) or (quoted[1] if quoted and not before_quote.rstrip().endswith("body") else "request")
    customers = dict.fromkeys(CUSTOMER.findall(_QUOTED.sub("", line.text)) or CUSTOMER.findall(context.question + context.system)[:1])
    for customer in customers or {"unknown": None}:
        yield Order(kind="ticket", target=customer, subject=subject, body=_body(line.text), line=line.text)


def _holds(before: str, line: Line, context: Context) -> bool:
    """Tell by what stands before its verb whether an order is one: no "do not", no "when" that has nothing to do with the question."""
    if _NEGATED.search(before):
        return False
    condition = _CONDITION.search(before[max(before.rfind(". "), before.rfind("\n")) + 1 :])
    if condition is None or line.text == context.question:
        return True
    return bool(tokens([condition[1]]) & tokens([context.question]))


def _lookups(line: Line) -> Iterator[Order]:
    if line.source == "user" or _LOOK_UP.search(line.text):
        yield from (Order(kind="lookup", target=customer, line=line.text) for customer in CUSTOMER.findall(line.text))


def _subject(text: str) -> str:
    found = _SUBJECT.search(text)
    return (found[1] or found[2] or "").strip() if found else ""


def _body(text: str) -> str:
    found = _BODY.search(text)
    return (found[1] or found[2] or found[3] or "").strip() if found else text.strip()
