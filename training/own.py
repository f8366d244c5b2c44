r"""Our own texts, made from the templates of ``own``: each line in some of its variants, always the same ones.

A template holds choices, ``{a|b}``, and names of lists, ``{name}``; a line ``= name: a | b`` is a list. Choices may hold choices. ``\n``
is a new line; braces around anything else stay.
"""

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_FOLDER = Path(__file__).parent / "own"
_INNERMOST = re.compile(r"\{([^{}]*)\}")
_OPEN, _CLOSE = "\x01", "\x02"


class Templates(NamedTuple):
    """A file of templates."""

    lists: dict[str, list[str]]
    lines: list[str]


def variants(name: str, most: int) -> Iterator[str]:
    """Yield texts of a file.

    Args:
        name: Of the file, without its ending.
        most: Variants of a line at most.
    """
    templates = _read(name)
    for line in templates.lines:
        chosen = random.Random(line)  # noqa: S311 - a seed that makes training repeatable is the point
        drawn = [_filled(line, templates.lists, chosen) for _ in range(2 * most)]
        yield from list(dict.fromkeys(drawn))[:most]


def together(texts: list[str], count: int) -> Iterator[str]:
    """Yield texts of two to four of the given ones, as long prompts are."""
    chosen = random.Random(count)  # noqa: S311 - as above
    for _ in range(count):
        yield chosen.choice((" ", "\n", "\n\n")).join(chosen.sample(texts, chosen.randint(2, 4)))


def _read(name: str) -> Templates:
    lists: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in (_FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("= "):
            title, _, choices = line[2:].partition(": ")
            lists[title] = list(_choices(choices))
        elif line and not line.startswith("# Benign") and not line.startswith("# Attack") and not line.startswith("# Order"):
            lines.append(line)
    return Templates(lists, lines)


def _choices(text: str) -> Iterator[str]:
    """Yield the choices of a list: what stands between bars that no brace surrounds."""
    depth, start = 0, 0
    for place, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if character == "|" and depth == 0:
            yield text[start:place].strip()
            start = place + 1
    yield text[start:].strip()


def _filled(line: str, lists: dict[str, list[str]], chosen: random.Random) -> str:
    text = line
    while (slot := _INNERMOST.search(text)) is not None:
        name = slot[1]
        if name in lists:
            filled = chosen.choice(lists[name])
        else:
            filled = chosen.choice(name.split("|")) if "|" in name else f"{_OPEN}{name}{_CLOSE}"
        text = text[: slot.start()] + filled + text[slot.end() :]
    text = text.replace(_OPEN, "{").replace(_CLOSE, "}").replace("\\n", "\n")
    return text[:1].upper() + text[1:]
