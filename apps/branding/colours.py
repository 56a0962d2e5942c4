"""Shades of one colour that keep their contrast in light and dark.

Lightness is moved in OKLCH (CSS Color 4), where it is what the eye sees; contrast is WCAG 2.2's.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

# WCAG 2.2, 1.4.3: text of normal size.
ENOUGH = 4.5
WHITE, BLACK = "#ffffff", "#000000"
# What text lies on (static/src/tokens.css): surface, ground, hover, and in dark raised between.
LIGHT_GROUNDS = ("#ffffff", "#f8fafc", "#eff3f7")
DARK_GROUNDS = ("#131924", "#0d111a", "#1b222f", "#1c2431")
_STEP = 0.01
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}\Z")
# Lightness and the share of chroma of each step of the admin theme's scale.
_SCALE = {
    "50": (0.972, 0.1),
    "100": (0.945, 0.18),
    "200": (0.9, 0.33),
    "300": (0.83, 0.6),
    "400": (0.76, 0.78),
    "500": (0.62, 0.97),
    "600": (0.55, 1.0),
    "700": (0.49, 0.97),
    "800": (0.43, 0.82),
    "900": (0.37, 0.65),
    "950": (0.28, 0.44),
}


@dataclass(frozen=True)
class Shades:
    """What is derived from a brand's colour; pairs are for light and for dark."""

    primary: str
    fill_hover: str
    on_fill: str
    text: tuple[str, str]
    tint: tuple[str, str]
    line: tuple[str, str]
    solid: tuple[str, str]
    scale: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Pair:
    """Two colours that are read together, and their contrast."""

    text: str
    ground: str

    @property
    def contrast(self) -> float:
        """WCAG's ratio, 1 to 21."""
        return contrast(self.text, self.ground)


@lru_cache(maxsize=256)
def shades_of(primary: str) -> Shades:
    """The shades of a colour such as "#2a6fd6"; ValueError for what is none."""
    lightness, chroma, hue = _oklch(primary)
    on_fill = WHITE if contrast(primary, WHITE) >= ENOUGH else BLACK
    towards = -0.05 if on_fill == WHITE else 0.05
    tint = (
        _hex(0.972, min(chroma, 0.018), hue),
        _hex(0.265, min(chroma, 0.05), hue),
    )
    return Shades(
        primary=primary,
        fill_hover=_moved(primary, [on_fill], by=towards),
        on_fill=on_fill,
        text=(
            readable(primary, [*LIGHT_GROUNDS, tint[0]], by=-_STEP),
            readable(primary, [*DARK_GROUNDS, tint[1]], by=_STEP),
        ),
        tint=tint,
        line=(_hex(0.86, min(chroma, 0.07), hue), _hex(0.43, min(chroma, 0.09), hue)),
        solid=(
            _hex(min(lightness, 0.58), chroma, hue),
            _hex(max(lightness, 0.66), min(chroma, 0.16), hue),
        ),
        scale=tuple(_scale(chroma, hue)),
    )


def pairs_of(primary: str) -> dict[str, Pair]:
    """What is read on what, by name: each must have enough contrast."""
    shades = shades_of(primary)
    return {
        "button": Pair(shades.on_fill, shades.primary),
        "button_hover": Pair(shades.on_fill, shades.fill_hover),
        "text_light": Pair(shades.text[0], LIGHT_GROUNDS[0]),
        "text_dark": Pair(shades.text[1], DARK_GROUNDS[0]),
    }


def readable(colour: str, grounds: Iterable[str], *, by: float) -> str:
    """The colour, darker (`by` below 0) or lighter until it reads on every ground."""
    lightness, chroma, hue = _oklch(colour)
    wanted, end = list(grounds), 1.0 if by > 0 else 0.0
    while min(contrast(colour, ground) for ground in wanted) < ENOUGH and lightness != end:
        lightness = min(1.0, max(0.0, lightness + by))
        colour = _hex(lightness, chroma, hue)
    return colour


def contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio of two colours, 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _moved(colour: str, texts: list[str], *, by: float) -> str:
    """One step on for what lies under the pointer, as long as its text still reads."""
    lightness, chroma, hue = _oklch(colour)
    moved = _hex(min(1.0, max(0.0, lightness + by)), chroma, hue)
    return moved if all(contrast(moved, text) >= ENOUGH for text in texts) else colour


def _scale(chroma: float, hue: float) -> Iterable[tuple[str, str]]:
    for step, (lightness, share) in _SCALE.items():
        colour = _hex(lightness, chroma * share, hue)
        # The theme writes white on 600 and reads 600 on white; in dark it reads 500.
        if step == "600":
            colour = readable(colour, [*LIGHT_GROUNDS], by=-_STEP)
        if step == "500":
            colour = readable(colour, [*DARK_GROUNDS], by=_STEP)
        yield step, colour


def _rgb(colour: str) -> tuple[float, float, float]:
    """Linear red, green and blue, 0 to 1."""
    if not _COLOUR.match(colour):
        raise ValueError(f"{colour!r} is no colour such as #2a6fd6.")
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return _linear(red), _linear(green), _linear(blue)


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _encoded(value: float) -> float:
    return 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055


def _luminance(colour: str) -> float:
    red, green, blue = _rgb(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _oklch(colour: str) -> tuple[float, float, float]:
    """Lightness 0 to 1, chroma, and hue in radians (Ottosson's OKLab)."""
    r, g, b = _rgb(colour)
    long = math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    mid = math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    short = math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    lightness = 0.2104542553 * long + 0.7936177850 * mid - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * mid + 0.4505937099 * short
    bb = 0.0259040371 * long + 0.7827717662 * mid - 0.8086757660 * short
    return lightness, math.hypot(a, bb), math.atan2(bb, a)


def _hex(lightness: float, chroma: float, hue: float) -> str:
    """The nearest colour that a screen has, with less chroma where it must be."""
    while chroma > 0.001 and not _is_shown(_to_rgb(lightness, chroma, hue)):
        chroma *= 0.96
    rgb = (min(1.0, max(0.0, value)) for value in _to_rgb(lightness, chroma, hue))
    return "#" + "".join(f"{round(255 * min(1.0, max(0.0, _encoded(v)))):02x}" for v in rgb)


def _to_rgb(lightness: float, chroma: float, hue: float) -> tuple[float, float, float]:
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    mid = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * mid + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * mid - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * mid + 1.7076147010 * short,
    )


def _is_shown(rgb: tuple[float, float, float]) -> bool:
    return all(-0.0005 <= value <= 1.0005 for value in rgb)
