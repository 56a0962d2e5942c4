"""Amounts of money as text. Amounts are integers of minor units, never float."""

from decimal import Decimal

import pycountry
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from apps.billing.constants import MINOR_DIGITS, SIGNS
from apps.core.exceptions import DomainError


def is_currency(code: str) -> bool:
    """Whether ISO 4217 knows the code."""
    return code.isupper() and pycountry.currencies.get(alpha_3=code) is not None


def minor_digits(currency: str) -> int:
    """How many decimals the currency's minor unit stands for: 2 for USD, 0 for JPY."""
    return MINOR_DIGITS.get(currency, 2)


def major_amount(minor: int | Decimal, currency: str) -> Decimal:
    """The amount in major units, exactly: 1999 USD cents are Decimal("19.99")."""
    return Decimal(minor).scaleb(-minor_digits(currency))


def decimal_string(minor: int, currency: str) -> str:
    """The amount as the API writes it: 1900 USD cents are "19.00"."""
    return f"{major_amount(minor, currency):.{minor_digits(currency)}f}"


def format_money(minor: int | Decimal, currency: str) -> str:
    """The amount for people, in their locale: "$1,900.00"; fractions of a cent are kept."""
    amount = major_amount(minor, currency)
    exponent = amount.normalize().as_tuple().exponent
    digits = max(minor_digits(currency), -exponent if isinstance(exponent, int) else 0)
    text = number_format(amount, decimal_pos=digits, force_grouping=True)
    sign = SIGNS.get(currency)
    if sign:
        # Translators: where the sign stands in your language; 39,00 € in French.
        written = pgettext("money", "%(sign)s%(amount)s") % {"sign": sign, "amount": text}
    else:
        # Translators: as in CHF 39.00.
        written = pgettext("money", "%(code)s %(amount)s") % {"code": currency, "amount": text}
    # No line ends within an amount.
    return written.replace(" ", "\N{NO-BREAK SPACE}")


def minor_units(amount: Decimal, currency: str) -> int:
    """The amount of major units in minor ones; DomainError when it is finer than the currency."""
    minor = amount.scaleb(minor_digits(currency))
    if minor != minor.to_integral_value():
        raise DomainError(
            _("%(amount)s has more decimals than %(currency)s has.")
            % {"amount": amount, "currency": currency},
            field="price",
        )
    return int(minor)
