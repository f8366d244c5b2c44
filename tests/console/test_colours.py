"""Text can be read in light and in dark: contrast of WCAG 2.2, level AA (4.5 to 1), computed from the style sheet."""

import re
from importlib.resources import files

import pytest

PAIRS = [
    *((ink, ground) for ink in ("ink", "muted", "accent") for ground in ("ground", "surface")),
    *((tone, f"{tone}-ground") for tone in ("good", "bad", "warn", "info")),
    ("ink", "quiet-ground"),
    ("muted", "quiet-ground"),
    ("surface", "accent"),
]


def palette(scheme: str) -> dict[str, str]:
    style = files("fairlead.console").joinpath("static", "console.css").read_text(encoding="utf-8")
    light, dark = (dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL))
    return light if scheme == "light" else light | dark


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_text_stands_out_from_its_ground(scheme: str, ink: str, ground: str) -> None:
    colours = palette(scheme)
    low, high = sorted((luminance(colours[ink]), luminance(colours[ground])))
    assert (high + 0.05) / (low + 0.05) >= 4.5
