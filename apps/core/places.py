"""Countries and currencies by the names that each language has for them."""

import gettext
import unicodedata
from collections.abc import Callable
from functools import lru_cache

import pycountry
from django.utils.translation import get_language


@lru_cache(maxsize=32)
def names_in(language: str, standard: str) -> Callable[[str], str]:
    """What turns an English name of "iso3166-1" or "iso4217" into that of a language."""
    found = gettext.translation(standard, pycountry.LOCALES_DIR, [language], fallback=True)
    return found.gettext


def country_choices() -> tuple[tuple[str, str], ...]:
    """ISO 3166 codes with their usual names in the reader's language, by name."""
    return _countries(get_language() or "")


@lru_cache(maxsize=16)
def _countries(language: str) -> tuple[tuple[str, str], ...]:
    say = names_in(language, "iso3166-1")
    named = ((c.alpha_2, say(getattr(c, "common_name", c.name))) for c in pycountry.countries)
    return tuple(sorted(named, key=lambda choice: _without_accents(choice[1])))


def _without_accents(name: str) -> str:
    """As a list sorts it: Égypte beside Espagne."""
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
