"""``fairlead detect``: what the detectors see in a text."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from fairlead.cli.output import json_option, show_json

if TYPE_CHECKING:
    from rich.console import Console

    from fairlead.core import Origin, Stage
    from fairlead.detectors import Card, Detector, Hit, Registry, Text
    from fairlead.policy import Release

ORIGIN_NAMES = ("system", "developer", "user", "retrieved", "tool", "memory", "agent", "model")
STAGE_NAMES = ("input", "retrieval", "tool_definition", "tool_call", "tool_result", "memory", "handoff", "output")
_READING = 300
"""Characters of a reading that are shown."""
_MARKS = 10
"""Columns that a shown span needs beside its text: the margin, two arrows, three ellipses."""
_PIPE = 100
"""Columns where there is no terminal."""
_INDENT = "     "


class _Seen(NamedTuple):
    detector: str
    hit: "Hit"


@click.command()
@click.argument("text", required=False)
@click.option("--file", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Read the text from a file.")
@click.option("--origin", type=click.Choice(ORIGIN_NAMES), default="user", show_default=True, help="Who wrote the text.")
@click.option("--policy", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Say also what this policy would do.")
@click.option("--stage", type=click.Choice(STAGE_NAMES), default="input", show_default=True, help="Where the policy would look at it.")
@click.option("--explain", is_flag=True, help="Show also how the text was decoded, and what each score stands for.")
@json_option
def detect(*, text: str | None, file: Path | None, origin: str, policy: Path | None, stage: str, explain: bool, as_json: bool) -> None:
    """Show what every detector sees in TEXT ("-" reads standard input). Nothing is recorded, nothing is blocked: that takes a policy."""
    from fairlead.core import ORIGINS, STAGES
    from fairlead.detectors import PatternScanner, Registry, builtin_patterns, prepare
    from fairlead.policy import compile_release, load_policy

    read = _read(text, file)
    registry = Registry.load()
    wrote = next(known for known in ORIGINS if known == origin)
    prepared = prepare(read)
    detectors: tuple[Detector, ...] = (PatternScanner(builtin_patterns()), *registry.all())
    seen = [_Seen(detector.id, hit) for detector in detectors for hit in detector.detect(prepared, wrote)]
    ruled: dict[str, object] = {}
    if policy:
        release = compile_release(load_policy(str(policy), policy.read_text(encoding="utf-8"), registry), registry)
        ruled, asked = _ruled(release, next(known for known in STAGES if known == stage), wrote, read)
        seen += asked
    seen.sort(key=lambda entry: (entry.hit.start, entry.hit.end))
    if as_json:
        findings = [_as_json(registry, entry, wrote) for entry in seen]
        shown = [{"kind": view.kind, "text": view.text} for view in prepared.views]
        show_json({"findings": findings, "views": shown, "exhausted": prepared.unread, **({"policy": ruled} if ruled else {})})
        return
    console = _console()
    _findings(console, read, seen)
    if explain:
        _readings(console, prepared)
        _scores(console, registry, seen, wrote)
    if prepared.unread:
        console.print("[bold]Not all was read:[/] it is nested too deeply, or too large. A guard counts that as a failure, not as a pass.")
    if ruled:
        by = f", by its rule {ruled['rule']}" if ruled["rule"] else ": no rule of this stage fires"
        console.print(f"\n[bold]{_plain(str(policy))}[/] at {stage}: [bold]{ruled['action']}[/]{_plain(by)}")


def _read(text: str | None, file: Path | None) -> str:
    if (text is None) == (file is None):
        raise click.UsageError('give a text, "-" for standard input, or --file')
    if file is not None:
        return file.read_bytes().decode("utf-8", "replace")
    return sys.stdin.read() if text == "-" else str(text)


def _console() -> "Console":
    from rich.console import Console

    return Console(highlight=False, soft_wrap=False, width=None if sys.stdout.isatty() else _PIPE)


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _findings(console: "Console", text: str, seen: Sequence[_Seen]) -> None:
    if not seen:
        console.print("nothing found")
        return
    console.print(f"[bold]{len(seen)} finding{'s' if len(seen) > 1 else ''}[/] in {len(text):,} characters\n")
    for number, (detector, hit) in enumerate(seen, 1):
        what = hit.hazard.replace("_", " ") + (f": {hit.entity.replace('_', ' ')}" if hit.entity else "")
        console.print(f"{number:>3}  [bold red]{what}[/]   score {hit.score:.2f}   {detector}", soft_wrap=True)
        console.print(_INDENT + _marked(text, hit, console.width - _MARKS), soft_wrap=True)
        where = f"characters {hit.start} to {hit.end}"
        console.print(f"{_INDENT}[dim]{where}{_decoded(hit)}[/]\n", soft_wrap=True)


def _decoded(hit: "Hit") -> str:
    return f", seen after decoding: {hit.view.replace('>', ', then ')}" if hit.view else ""


def _marked(text: str, hit: "Hit", width: int) -> str:
    """Return the span with what stands around it on one line, between arrows that a pipe shows too."""
    inside = _shown(text[hit.start : hit.end], width // 2)
    around = max(0, width - len(inside)) // 2
    before, after = text[max(0, hit.start - around) : hit.start], text[hit.end : hit.end + around]
    left, right = "…" if hit.start > around else "", "…" if hit.end + around < len(text) else ""
    return f"[dim]{left}{_plain(_shown(before))}[/]»[bold yellow]{_plain(inside)}[/]«[dim]{_plain(_shown(after))}{right}[/]"


def _shown(text: str, most: int = 0) -> str:
    """Return a text on one line, with what a terminal can't show as its code; shortened in its middle."""
    if most and len(text) > most:
        half = most // 2 - 1
        text = f"{text[:half]} … {text[-half:]}"
    return "".join(character if character.isprintable() else _code(character) for character in text)


def _code(character: str) -> str:
    return " " if character in "\n\r\t" else f"<{ord(character):04X}>"


def _readings(console: "Console", prepared: "Text") -> None:
    readings = [reading for reading in prepared.readings if reading.kind]
    console.print("[bold]How it was read[/]")
    if not readings:
        console.print("  as it stands: nothing in it is encoded or in disguise\n")
        return
    for reading in readings:
        # What is encoded in what is told from the outside in, as the text was decoded.
        kind = reading.kind.replace(">", ", then ")
        start, end = reading.span(0, len(reading.text)) if reading.text else (0, 0)
        where = f"[dim](from characters {start} to {end})[/]"
        console.print(f"  [bold]reads as {kind}[/] {where}: {_plain(_shown(reading.text, _READING))}", soft_wrap=True)
    console.print()


def _scores(console: "Console", registry: "Registry", seen: Sequence[_Seen], origin: "Origin") -> None:
    console.print("[bold]What the scores stand for[/]")
    if not seen:
        console.print("  nothing scored high enough to be told")
    told: dict[str, None] = {}
    for name, hit in seen:
        card = registry.card(name)
        rate = _kept(card, hit, origin) if card else None
        what = f"{name}, {hit.entity or hit.hazard} {hit.score:.2f}"
        if rate is not None:
            told[f"{what}: at this score at most {rate:.2%} of its benign pool fires (one-sided 95% bound)"] = None
        elif card and card.points:
            told[f"{what}: below every operating point of its card"] = None
        else:
            told[f"{what}: a rule; its score was set by hand and stands for no rate"] = None
    for line in told:
        console.print(f"  {_plain(line)}", soft_wrap=True)


def _ruled(release: "Release", stage: "Stage", origin: "Origin", text: str) -> tuple[dict[str, object], list[_Seen]]:
    """Return what a policy would do with the text, and what the detectors that it declares see beside the installed ones."""
    from fairlead.cli.policy_files import rehearsing
    from fairlead.detectors import Hit

    with rehearsing(release) as rehearsal:
        decision = rehearsal.text(stage, text, origin).decision
    failed = any(entry.status in ("errored", "timed_out") for entry in decision.coverage)
    action = "fails, and on_error decides" if failed else str(decision.verdict)
    asked = {remote.id for remote in release.remotes_at(stage)}
    hits = [
        _Seen(found.detector, Hit(*found.span, found.hazard, found.entity, found.score, found.view))
        for found in decision.findings
        if found.detector in asked
    ]
    return {"release": release.id, "stage": stage, "action": action, "rule": decision.rule}, hits


def _kept(card: "Card", hit: "Hit", origin: "Origin") -> float | None:
    """Return the lowest false-positive rate whose threshold the score reaches; None if it reaches none."""
    from fairlead.detectors import channel_of

    channel = channel_of(origin)
    return min((point.max_fpr for point in card.points if point.channel == channel and point.threshold <= hit.score), default=None)


def _as_json(registry: "Registry", seen: _Seen, origin: "Origin") -> dict[str, object]:
    detector, hit = seen
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
