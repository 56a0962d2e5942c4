"""Shades of a brand's colour: each reads where it is read, whatever the colour."""

import random

import pytest

from apps.branding.colours import (
    DARK_GROUNDS,
    ENOUGH,
    LIGHT_GROUNDS,
    WHITE,
    contrast,
    pairs_of,
    shades_of,
)

_SOME = random.Random(7)
COLOURS = ["#000000", "#ffffff", "#ffcc00", "#ff0000", "#00ff00", "#0000ff", "#767676", "#777777"]
COLOURS += [f"#{_SOME.randrange(1 << 24):06x}" for _turn in range(100)]


def test_contrast_is_wcag_s() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#abcdef", "#abcdef") == 1


@pytest.mark.parametrize("colour", COLOURS)
def test_every_shade_reads_on_every_ground_it_lies_on(colour: str) -> None:
    shades = shades_of(colour)
    assert min(pair.contrast for pair in pairs_of(colour).values()) >= ENOUGH
    for text, grounds, tint in (
        (shades.text[0], LIGHT_GROUNDS, shades.tint[0]),
        (shades.text[1], DARK_GROUNDS, shades.tint[1]),
    ):
        assert min(contrast(text, ground) for ground in [*grounds, tint]) >= ENOUGH
    scale = dict(shades.scale)
    assert contrast(scale["600"], WHITE) >= ENOUGH
    assert min(contrast(scale["500"], ground) for ground in DARK_GROUNDS) >= ENOUGH


def test_a_colour_that_reads_stays_as_it_is() -> None:
    assert shades_of("#0b3d91").text[0] == "#0b3d91"
    assert shades_of("#ffcc00").text[1] == "#ffcc00"


@pytest.mark.parametrize(
    "wrong", ["", "red", "#12345", "#12345g", "#1 2 3 ", "#123456;", "#+1+2+3"]
)
def test_what_is_no_colour_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="no colour"):
        shades_of(wrong)
