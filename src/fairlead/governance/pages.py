"""Pages: card, readiness report and KPIs as HTML and Markdown. One file each, no script, nothing loaded from anywhere."""

from datetime import UTC, datetime
from functools import cache
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from fairlead.governance.card import Card
from fairlead.governance.model import Figure, Kpi, Period, Unit
from fairlead.governance.readiness import Readiness

Form = Literal["html", "md"]

_US = 1_000_000
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400


def render_card(card: Card, form: Form) -> str:
    """Return the system card as a page."""
    return _environment().get_template(f"card.{form}.j2").render(card=card)


def render_readiness(report: Readiness, form: Form) -> str:
    """Return the one-page readiness report."""
    return _environment().get_template(f"readiness.{form}.j2").render(report=report)


def render_kpis(kpis: tuple[Kpi, ...], *, system: str, period: Period, form: Form) -> str:
    """Return the KPIs as a page."""
    return _environment().get_template(f"kpis.{form}.j2").render(kpis=kpis, system=system, period=period)


def amount(value: float | None, unit: Unit) -> str:
    """Return a number as people read it, in the unit of its figure."""
    if value is None:
        return "no upper end"
    if unit == "share":
        return _share(value)
    if unit == "seconds":
        return duration(value)
    return {"per_thousand": f"{value:.2f}", "milliseconds": f"{value:.2f} ms", "count": f"{value:.0f}"}[unit]


def interval(figure: Figure) -> str:
    """Return where the true value can be: ``[1.2%, 5.4%]``, or that the sample is too small for an upper end."""
    if figure.high is None:
        return f"at least {amount(figure.low, figure.unit)}; n is too small for an upper end"
    return f"{amount(figure.low, figure.unit)} to {amount(figure.high, figure.unit)}"


def counts(figure: Figure) -> str:
    """Return what a figure was counted from."""
    counted = f"{figure.k} of {figure.n}" if figure.k is not None else f"n = {figure.n}"
    return f"{counted}; {figure.confidence:.0%} by {figure.method.replace('_', ' ')}"


def duration(seconds: float) -> str:
    """Return a span of time in the unit that reads best."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    for size, name in ((_DAY_S, "d"), (_HOUR_S, "h"), (_MINUTE_S, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {name}"
    return f"{seconds:.1f} s"


def moment(at_us: int) -> str:
    """Return a time in UTC, to the minute."""
    return datetime.fromtimestamp(at_us / _US, UTC).strftime("%Y-%m-%d %H:%M UTC") if at_us else "never"


def day(at_us: int) -> str:
    """Return a date in UTC."""
    return datetime.fromtimestamp(at_us / _US, UTC).strftime("%Y-%m-%d") if at_us else "never"


def _share(value: float) -> str:
    return f"{value:.2%}" if 0 < value < 0.01 or 0.999 < value < 1 else f"{value:.1%}"


def _short(identifier: str) -> str:
    """Return an id or digest short enough to read; its full form is where it links to."""
    return identifier[:19] + "…" if identifier.startswith("sha256:") else identifier


def _cell(text: str) -> str:
    return str(text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def _words(text: str) -> str:
    return str(text).replace("_", " ")


def _anchor(identifier: str) -> str:
    return "r-" + "".join(character if character.isalnum() else "-" for character in identifier)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("fairlead.governance"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        amount=amount, interval=interval, counts=counts, moment=moment, day=day, short=_short, cell=_cell, words=_words, anchor=_anchor
    )
    return environment
