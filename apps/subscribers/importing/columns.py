"""What each column of an import may hold."""

import re
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from functools import lru_cache

import pycountry
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from apps.core.csvs import FORMULA_STARTS
from apps.core.languages import grouped
from apps.subscribers.exceptions import RowError
from apps.subscribers.models import Service, Subscriber

_PHONE = re.compile(r"\+?[\d ()/.\-]{3,39}")
_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/\-]{0,19}")
_USERNAME = re.compile(r"[A-Za-z0-9][^\s,;\"']{0,63}")
_LENGTHS = {"name": 120, "street": 120, "postcode": 16, "city": 80, "external_id": 64, "plan": 80}

_S, _V = Subscriber.Status, Service.Status
# The status of the subscriber, and of the service that the row brings.
STATUSES: dict[str, tuple[str, str]] = {
    "lead": (_S.LEAD, _V.DRAFT),
    "qualified": (_S.QUALIFIED, _V.DRAFT),
    "draft": (_S.QUALIFIED, _V.DRAFT),
    "pending_install": (_S.QUALIFIED, _V.PENDING_INSTALL),
    "active": (_S.ACTIVE, _V.ACTIVE),
    "suspended": (_S.ACTIVE, _V.SUSPENDED),
    "inactive": (_S.INACTIVE, _V.TERMINATED),
    "terminated": (_S.INACTIVE, _V.TERMINATED),
    "archived": (_S.ARCHIVED, _V.TERMINATED),
}
_STATUS_SYNONYMS = {
    "enabled": "active",
    "blocked": "suspended",
    "disabled": "suspended",
    "cancelled": "terminated",
    "prospect": "lead",
}


@dataclass(frozen=True)
class Values:
    """A row's values by column, clean, and what is wrong with the others."""

    by_column: dict[str, str]
    errors: list[dict[str, str]] = field(default_factory=list)


def clean_row(columns: list[str], cells: list[str], plans: Container[str]) -> Values:
    """Check each cell by its column; `plans` are known names and keys, in lower case."""
    errors = []
    values: dict[str, str] = {}
    if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
        message = _(
            "The row has %(count)s cells and the header %(wanted)s. A value that "
            "holds the delimiter must stand in quotation marks."
        ) % {"count": len(cells), "wanted": len(columns)}
        errors.append({"column": "", "message": message})
    for column, cell in zip(columns, cells, strict=False):
        if column:
            try:
                values[column] = _clean(column, cell)
            except RowError as error:
                errors.append({"column": column, "message": error.message})
    return Values(values, errors + _check_whole(values, errors, plans))


def _check_whole(
    values: dict[str, str], errors: list[dict[str, str]], plans: Container[str]
) -> list[dict[str, str]]:
    """What only the row as a whole shows."""
    wrong = {error["column"] for error in errors}
    found = []
    if not values.get("name") and "name" not in wrong:
        found.append({"column": "name", "message": _("The name is missing.")})
    plan = values.get("plan", "")
    if plan and plan.lower() not in plans:
        message = _("There is no plan “%(plan)s”. Make it first, or correct the name.") % {
            "plan": plan
        }
        found.append({"column": "plan", "message": message})
    if values.get("username") and not plan and "plan" not in wrong:
        message = _("A user name belongs to a service, so the row needs a plan.")
        found.append({"column": "plan", "message": message})
    return found


def _clean(column: str, cell: str) -> str:
    # Our own export marks what looks like a formula so.
    text = cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_STARTS) else cell
    start = text.lstrip(" ")
    if column != "phone" and start.startswith(FORMULA_STARTS):
        raise RowError(
            _("The text begins with %(start)s, which a spreadsheet takes for a formula. Remove it.")
            % {"start": _shown(start[0])}
        )
    text = text.strip()
    limit = _LENGTHS.get(column, 254)
    if len(text) > limit:
        raise RowError(
            _("The text has %(count)s characters; at most %(limit)s are possible.")
            % {"count": grouped(len(text)), "limit": limit}
        )
    check = _CHECKS.get(column)
    return check(text) if check and text else text


def _shown(character: str) -> str:
    return {"\t": _("a tab"), "\r": _("a line end")}.get(character, f"“{character}”")


def _email(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError:
        raise RowError(_("“%(text)s” is no e-mail address.") % {"text": text[:60]}) from None
    return text


def _phone(text: str) -> str:
    if not _PHONE.fullmatch(text):
        raise RowError(
            _("“%(text)s” is no telephone number: digits, blanks, + ( ) / . - only.")
            % {"text": text[:60]}
        )
    return text


def _number(text: str) -> str:
    if not _NUMBER.fullmatch(text):
        raise RowError(_("A number has at most 20 letters, digits and . _ / - signs."))
    return text


def _username(text: str) -> str:
    if not _USERNAME.fullmatch(text):
        raise RowError(
            _("A user name has at most 64 characters, without blanks and quotation marks.")
        )
    return text


def _status(text: str) -> str:
    key = re.sub(r"[\s-]+", "_", text.lower())
    key = _STATUS_SYNONYMS.get(key, key)
    if key not in STATUSES:
        raise RowError(
            _("“%(text)s” is no status. Known are: %(list)s.")
            % {"text": text[:30], "list": ", ".join(STATUSES)}
        )
    return key


def _country(text: str) -> str:
    code = _countries().get(text.lower())
    if code is None:
        raise RowError(
            _("“%(text)s” is no country. Write its code, such as DE, or its name.")
            % {"text": text[:40]}
        )
    return code


@lru_cache(maxsize=1)
def _countries() -> dict[str, str]:
    """Codes by code and by name, in lower case."""
    found = {}
    for country in pycountry.countries:
        names = (country.alpha_2, country.alpha_3, country.name)
        for name in (*names, getattr(country, "common_name", country.name)):
            found[name.lower()] = country.alpha_2
    return found


_CHECKS: dict[str, Callable[[str], str]] = {
    "email": _email,
    "phone": _phone,
    "number": _number,
    "username": _username,
    "status": _status,
    "country": _country,
}
