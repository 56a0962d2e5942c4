"""Amounts as text, in the digits of their currency."""

from decimal import Decimal

import pytest

from apps.billing.money import decimal_string, format_money, is_currency


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (1900, "USD", "$19.00"),
        (123456789, "USD", "$1,234,567.89"),
        (0, "EUR", "€0.00"),
        (500, "JPY", "¥500"),
        (1500, "KWD", "KWD\N{NO-BREAK SPACE}1.500"),
        (Decimal("0.25"), "USD", "$0.0025"),
        (Decimal("50.000000000000"), "USD", "$0.50"),
    ],
)
def test_amounts_for_people(minor, currency, text):
    assert format_money(minor, currency) == text


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (1900, "USD", "19.00"),
        (5, "JPY", "5"),
        (1, "BHD", "0.001"),
        (10**15, "EUR", "10000000000000.00"),
    ],
)
def test_amounts_for_programs(minor, currency, text):
    assert decimal_string(minor, currency) == text


def test_currencies_are_those_of_iso_4217():
    assert is_currency("NGN")
    assert not is_currency("BTC")
    assert not is_currency("usd")
