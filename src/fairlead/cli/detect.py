"""``fairlead detect``: what the detectors see in a text."""

import sys
from typing import TYPE_CHECKING

import click

from fairlead.cli.output import json_option, show_json, show_table

if TYPE_CHECKING:
    from fairlead.core import Origin
    from fairlead.detectors import Card, Hit, Registry

ORIGIN_NAMES = ("system", "developer", "user", "retrieved", "tool", "memory", "agent", "model")


@click.command()
@click.argument("text")
@click.option("--origin", type=click.Choice(ORIGIN_NAMES), default="user", show_default=True, help="Who wrote the text.")
@click.option("--explain", is_flag=True, help="Show also how the text was decoded, and what each score stands for.")
@json_option
def detect(text: str, origin: str, explain: bool, as_json: bool) -> None:
    """Show what every detector sees in TEXT ("-" reads standard input). Nothing is recorded, nothing is blocked: that takes a policy."""
    from fairlead.core import ORIGINS
    from fairlead.detectors import PatternScanner, Registry, builtin_patterns, prepare

    read = sys.stdin.read() if text == "-" else text
    registry = Registry.load()
    wrote = next(known for known in ORIGINS if known == origin)
    prepared = prepare(read)
    hits: list[tuple[str, Hit]] = []
    for detector in (PatternScanner(builtin_patterns()), *registry.all()):
        hits += [(detector.id, hit) for hit in detector.detect(prepared, wrote)]
    views = [(view.kind, view.text) for view in prepared.views]
    if as_json:
        findings = [_as_json(registry, name, hit, wrote) for name, hit in hits]
        shown = [{"kind": kind, "text": shown_text} for kind, shown_text in views]
        show_json({"findings": findings, "views": shown, "exhausted": prepared.exhausted})
        return
    if not hits:
        click.echo("nothing found")
    else:
        columns = ("detector", "hazard", "entity", "score", "span", "view", "text")
        show_table("", columns, (_row(read, name, hit) for name, hit in hits))
    if explain:
        _explain(registry, hits, wrote, views)


def _explain(registry: "Registry", hits: "list[tuple[str, Hit]]", origin: "Origin", views: list[tuple[str, str]]) -> None:
    for kind, shown in views:
        click.echo(f"reads as {kind}: {shown}")
    for name, hit in hits:
        card = registry.card(name)
        rate = _kept(card, hit, origin) if card else None
        if rate is not None:
            click.echo(f"{name}, {hit.hazard}: at this score at most {rate:g} of its benign pool fires (one-sided 95% bound)")
        elif card and card.points:
            click.echo(f"{name}, {hit.hazard}: below every operating point of its card")
        else:
            click.echo(f"{name}, {hit.entity or hit.hazard}: a rule; its score was set by hand and stands for no rate")


def _kept(card: "Card", hit: "Hit", origin: "Origin") -> float | None:
    """Return the lowest false-positive rate whose threshold the score reaches; None if it reaches none."""
    from fairlead.detectors import channel_of

    channel = channel_of(origin)
    return min((point.max_fpr for point in card.points if point.channel == channel and point.threshold <= hit.score), default=None)


def _as_json(registry: "Registry", detector: str, hit: "Hit", origin: "Origin") -> dict[str, object]:
    card = registry.card(detector)
    return {
        "detector": detector,
        "hazard": hit.hazard,
        "entity": hit.entity,
        "score": hit.score,
        "span": [hit.start, hit.end],
        "view": hit.view,
        "max_fpr": _kept(card, hit, origin) if card else None,
    }


def _row(text: str, detector: str, hit: "Hit") -> tuple[str, ...]:
    span = text[hit.start : hit.end].replace("\n", " ")
    short = span if len(span) <= 60 else f"{span[:28]} … {span[-28:]}"
    return (detector, hit.hazard, hit.entity, f"{hit.score:.2f}", f"{hit.start}-{hit.end}", hit.view, short)
