"""``fairlead ground``: does an answer say what its sources say?"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fairlead.cli.output import json_option, show_json

if TYPE_CHECKING:
    from fairlead.detectors.grounding import Claim, Source


@click.command()
@click.argument("answer", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--source", "sources", type=click.Path(path_type=Path, exists=True, dir_okay=False), multiple=True, required=True, help="One or more."
)
@json_option
def ground(answer: Path, sources: tuple[Path, ...], as_json: bool) -> None:
    """Show for each claim of the file ANSWER ("-" reads standard input) whether the sources bear it out. Nothing is recorded."""
    from fairlead.detectors.grounding import Grounding, Source

    text = sys.stdin.read() if str(answer) == "-" else answer.read_text(encoding="utf-8", errors="replace")
    read = [Source(path.stem, path.read_text(encoding="utf-8", errors="replace")) for path in sources]
    grounding = Grounding()
    claims = grounding.check(text, read).claims
    if as_json:
        show_json({"detector": grounding.id, "claims": [_as_json(claim, read) for claim in claims]})
        return
    for claim in claims:
        _show(text, claim, read)
    borne_out, all_ = sum(claim.verdict == "supported" for claim in claims), sum(claim.verdict != "no_claim" for claim in claims)
    click.echo(f"{borne_out} of {all_} claims are borne out, by {grounding.id}; it reads words, not meaning: see its card")


def _show(text: str, claim: "Claim", sources: "list[Source]") -> None:
    from fairlead.detectors.grounding import DOUBTS

    click.echo(f"{claim.verdict.upper().replace('_', ' '):<13}{claim.score:.2f}  {_line(text[claim.start : claim.end])}")
    for doubt in claim.doubts:
        marked = ", ".join(f'"{_line(text[mark.start : mark.end])}"' for mark in claim.marks if mark.doubt == doubt)
        click.echo(f"    why:    {DOUBTS[doubt]}{': ' + marked if marked else ''}")
    if claim.evidence is not None and claim.verdict != "no_claim":
        source = sources[claim.evidence.source]
        where = f"{source.name}:{claim.evidence.start}-{claim.evidence.end}"
        click.echo(f'    source: {where} "{_line(source.text[claim.evidence.start : claim.evidence.end])}"')


def _line(text: str) -> str:
    return " ".join(text.split())


def _as_json(claim: "Claim", sources: "list[Source]") -> dict[str, object]:
    evidence = claim.evidence
    return {
        "span": [claim.start, claim.end],
        "verdict": claim.verdict,
        "score": claim.score,
        "doubts": list(claim.doubts),
        "marks": [{"span": [mark.start, mark.end], "doubt": mark.doubt} for mark in claim.marks],
        "citations": list(claim.citations),
        "source": None if evidence is None else {"name": sources[evidence.source].name, "span": [evidence.start, evidence.end]},
    }
