"""Every text is translated, with the same placeholders, and compiled as it stands."""

import re
from pathlib import Path

import polib
import pytest

from dev.messages import catalogues, missing

_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*(?:\.\w+)?\}|<[^>]+>")
# A sign that stands high and was typed with a space that may break before it.
_BREAKS = re.compile(r" [:;?!»](?:\s|$)|« ")


@pytest.fixture(params=catalogues(), ids=lambda path: path.parents[1].name)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


def pairs(entry: polib.POEntry) -> list[tuple[str, str]]:
    """Each text with its translation."""
    if not entry.msgid_plural:
        return [(entry.msgid, entry.msgstr)]
    one, *more = entry.msgstr_plural.values()
    return [(entry.msgid, one), *((entry.msgid_plural, text) for text in more)]


def test_nothing_lacks_a_translation(path: Path) -> None:
    catalogue = polib.pofile(str(path))
    assert [entry.msgid for entry in missing(catalogue)] == []
    assert [entry.msgid for entry in catalogue if entry.fuzzy] == []


def test_placeholders_and_tags_are_the_same(path: Path) -> None:
    for entry in polib.pofile(str(path)):
        for text, translated in pairs(entry):
            found = sorted(_PLACEHOLDER.findall(translated))
            assert found == sorted(_PLACEHOLDER.findall(text)), text


def test_what_is_compiled_is_what_is_written(path: Path) -> None:
    compiled = {e.msgid_with_context: e for e in polib.mofile(str(path.with_suffix(".mo")))}
    written = {e.msgid_with_context: e for e in polib.pofile(str(path))}
    assert compiled.keys() == written.keys(), "run `make messages`"
    for key, entry in written.items():
        assert pairs(compiled[key]) == pairs(entry), key


def test_french_signs_stay_with_their_word() -> None:
    french = next(path for path in catalogues() if path.parents[1].name == "fr")
    for entry in polib.pofile(str(french)):
        for _text, translated in pairs(entry):
            assert not _BREAKS.search(translated), translated
            assert not re.search(r"\w'\w", translated), translated
