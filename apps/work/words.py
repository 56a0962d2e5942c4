"""What is said of a piece of work: kept as a text's id with its values, so that each reader has it
in their language, whoever's language wrote it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext, override


@dataclass(frozen=True)
class Words:
    """A text with {places} for its values, which may be such texts themselves."""

    text: str
    values: Mapping[str, "Words | str"]

    def __str__(self) -> str:
        """In English, as searches and logs know it."""
        return self.text.format(**self.values)

    def kept(self) -> dict[str, Any]:
        """As it is stored."""
        values = {
            name: one.kept() if isinstance(one, Words) else one for name, one in self.values.items()
        }
        return {"text": self.text, "values": values}


def words(text: str | Promise, /, **values: object) -> Words:
    """A text that is marked by gettext_noop or gettext_lazy, with what stands in its places.

    That may be such a text itself, as it is or as it is kept.
    """
    return Words(_english(text), {name: _value(one) for name, one in values.items()})


def read(kept: Mapping[str, Any]) -> str:
    """What was stored, in the language in force; in English where this release has no such text."""
    values = {
        name: read(one) if isinstance(one, dict) else one for name, one in kept["values"].items()
    }
    return gettext(kept["text"]).format(**values)


def said(one: Words | str) -> str:
    """In the language in force, where it is a text that has others."""
    return read(one.kept()) if isinstance(one, Words) else one


def _value(one: object) -> Words | str:
    if isinstance(one, Words):
        return one
    if isinstance(one, Mapping):
        return words(one["text"], **one["values"])
    return Words(_english(one), {}) if isinstance(one, Promise) else str(one)


def _english(text: str | Promise) -> str:
    """The id of a text is the text in the code's own language."""
    with override(settings.LANGUAGE_CODE):
        return str(text)
