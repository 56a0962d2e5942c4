"""Entitlements in the words of people."""

import pytest

from apps.billing.entitlements import format_speed, in_words


@pytest.mark.parametrize(
    ("kbps", "text"),
    [
        (100_000, "100 Mbit/s"),
        (1_500, "1.5 Mbit/s"),
        (1_000_000, "1 Gbit/s"),
        (512, "512 kbit/s"),
        (None, "–"),
        (0, "–"),
    ],
)
def test_speeds_have_the_unit_that_fits(kbps, text):
    assert format_speed(kbps) == text


def test_each_entitlement_is_said_and_in_one_order():
    values = {"max_subscribers": 5000, "up_kbps": 50_000, "down_kbps": 100_000, "hosting": "shared"}
    assert in_words(values) == [
        "shared hosting",
        "up to 5,000 subscribers",
        "100 Mbit/s down",
        "50 Mbit/s up",
    ]
