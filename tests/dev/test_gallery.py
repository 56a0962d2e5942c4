"""The gallery shows all components there are."""

from pathlib import Path

from dev import ui_charts, ui_gallery

COMPONENTS = Path(__file__).parents[2] / "templates" / "cotton"


def test_every_component_has_a_sample_that_says_what_it_takes() -> None:
    shown = {piece["name"]: piece for piece in ui_gallery.pieces()}
    assert shown.keys() == {one.stem for one in COMPONENTS.iterdir()}
    assert all(piece["about"] and piece["markup"] for piece in shown.values())


def test_a_colour_is_shown_and_a_size_is_not() -> None:
    names = [name for _group, some in ui_gallery.colours() for name in some]
    assert {"brand", "ground", "text-muted", "bad-fill"} <= set(names)
    assert not {"radius", "shadow-float", "quick"} & set(names)


def test_its_numbers_are_those_of_a_home() -> None:
    numbers = ui_charts.numbers()
    assert all(len(chart.labels) == len(chart.series[0].values) for chart in numbers["charts"])
    assert "data-value" in numbers["charts"][0].body
