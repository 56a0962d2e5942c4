"""Countries with the currency and the time zone that most of their ISPs use."""

from functools import lru_cache

import pycountry
from django.utils.translation import get_language

from apps.core.places import country_choices, names_in
from apps.core.zones import Choice, zones_by_country

# ISO 4217 codes begin with the country's, except where a currency is shared or several fit.
_CURRENCY_OF = {
    "AUD": "CC CX HM KI NF NR TV",
    "BOB": "BO",
    "CHF": "CH LI",
    "CLP": "CL",
    "COP": "CO",
    "DKK": "FO GL",
    "EUR": "AD AT AX BE BG BL CY DE EE ES FI FR GF GP GR HR IE IT LT LU LV MC ME MF MQ MT NL PM"
    " PT RE SI SK SM TF VA YT",
    "GBP": "GG GS IM JE",
    "ILS": "PS",
    "MAD": "EH",
    "MXN": "MX",
    "NOK": "BV SJ",
    "NZD": "CK NU PN TK",
    "USD": "AS BQ EC FM GU IO MH MP PR PW TC TL UM US VG VI",
    "UYU": "UY",
    "VES": "VE",
    "XAF": "CF CG CM GA GQ TD",
    "XCD": "AG AI DM GD KN LC MS VC",
    "XCG": "CW SX",
    "XOF": "BF BJ CI GW ML NE SN TG",
    "XPF": "NC PF WF",
}
# Funds, metals and units of account that nobody is billed in.
_NOT_BILLED = (
    "BOV CHE CHW CLF COU MXV USN UYI UYW XAD XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX"
)
# Where the first zone of the table is not the one of most people.
_MAIN_ZONE = {
    "AQ": "Antarctica/McMurdo",
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "CD": "Africa/Kinshasa",
    "RU": "Europe/Moscow",
    "UA": "Europe/Kyiv",
    "UZ": "Asia/Tashkent",
}


def countries() -> tuple[Choice, ...]:
    """ISO 3166 codes with their usual names in the reader's language, by name."""
    return country_choices()


def currencies() -> tuple[Choice, ...]:
    """ISO 4217 codes that an ISP can bill in, with their names in the reader's language."""
    return _currencies(get_language() or "")


@lru_cache(maxsize=16)
def _currencies(language: str) -> tuple[Choice, ...]:
    billed = (c for c in pycountry.currencies if c.alpha_3 not in _NOT_BILLED.split())
    say = names_in(language, "iso4217")
    return tuple(sorted((c.alpha_3, f"{c.alpha_3} – {say(c.name)}") for c in billed))


def currency_of(country: str) -> str:
    """The currency of a country, or nothing for a code that is none."""
    if len(country) != 2:
        return ""
    shared = (code for code, users in _CURRENCY_OF.items() if country in users.split())
    own = (code for code, _name in currencies() if code.startswith(country))
    return next(shared, "") or next(own, "")


def time_zone_of(country: str) -> str:
    """The time zone of most people of a country, or nothing."""
    return _MAIN_ZONE.get(country) or next(iter(zones_by_country().get(country, ())), "")


def is_zone_of(zone: str, country: str) -> bool:
    """Whether a country has the zone."""
    return zone in zones_by_country().get(country, ())


def country_of_language(accepted: str) -> str:
    """The country in the first entry of an Accept-Language header ("en-KE,en;q=0.8"), if any."""
    first, _comma, _rest = accepted.partition(",")
    language, _semicolon, _weight = first.partition(";")
    code = language.rpartition("-")[2].strip().upper()
    return code if "-" in language and pycountry.countries.get(alpha_2=code) else ""
