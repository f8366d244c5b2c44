"""How values are written for people: times, durations, digests, shares."""

import re
from datetime import UTC, datetime

from markupsafe import Markup, escape

_NAMED = re.compile(r"\b(inc|run)_[a-z2-7]{26}\b")
_CODE = re.compile(r"`([^`]+)`")
_PLACES = {"inc": "/incidents/", "run": "/runs/"}


def moment(at_us: int) -> str:
    """Return a time as ``2026-11-25 13:20:05``, UTC."""
    return datetime.fromtimestamp(at_us / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S")


def iso(at_us: int) -> str:
    """Return a time as machines read it."""
    return datetime.fromtimestamp(at_us / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def span(us: int) -> str:
    """Return a duration in its two largest units."""
    seconds = us / 1e6
    if seconds < 1:
        return f"{us / 1000:.1f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {left} s"


def ago(at_us: int, now_us: int) -> str:
    """Return how long ago a time is, or how far away."""
    away = abs(now_us - at_us)
    length = f"{away // 1_000_000} s" if away < 60_000_000 else span(away)
    return f"{length} ago" if at_us <= now_us else f"in {length}"


def short(identifier: str) -> str:
    """Return the head of a digest or an id that is still told apart by eye."""
    head, sign, tail = identifier.partition(":")
    return tail[:12] if sign and head == "sha256" else identifier[:14]


def words(name: str) -> str:
    """Return a name of the vocabulary as words."""
    return name.replace("_", " ")


def sentence(text: str) -> str:
    """Return a text that begins like a sentence; an id or a name of a rule at its head stays as it is."""
    return text[:1].upper() + text[1:] if text.partition(" ")[0].strip(",:;").isalpha() else text


def linked(text: str) -> Markup:
    """Return a text, escaped, with links to the incidents and runs that it names."""

    def link(found: re.Match[str]) -> str:
        return f'<a href="{_PLACES[found[1]]}{found[0]}">{short(found[0])}</a>'

    return Markup(_NAMED.sub(link, str(escape(text))))  # noqa: S704 - escaped before; a name holds letters and digits only


def coded(text: str) -> Markup:
    """Return a text, escaped, whose `commands` in back ticks are marked as such."""
    return Markup(_CODE.sub(r'<code class="nowrap">\1</code>', str(escape(text))))  # noqa: S704 - escaped before


def share(value: float) -> str:
    """Return a share as a percentage."""
    return f"{value:.1%}"
