"""How values are written for people: times, durations, digests, shares."""

from datetime import UTC, datetime


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
    return f"{span(now_us - at_us)} ago" if at_us <= now_us else f"in {span(at_us - now_us)}"


def short(identifier: str) -> str:
    """Return the head of a digest or an id that is still told apart by eye."""
    head, sign, tail = identifier.partition(":")
    return tail[:12] if sign and head == "sha256" else identifier[:14]


def words(name: str) -> str:
    """Return a name of the vocabulary as words."""
    return name.replace("_", " ")


def share(value: float) -> str:
    """Return a share as a percentage."""
    return f"{value:.1%}"
