"""The address of the installation's mail server: encrypted where it says so, never for ever."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.mail_url import TIMEOUT_S, email_of

SMTP = "django.core.mail.backends.smtp.EmailBackend"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp+tls://dot:a%40b@mail.example", {"EMAIL_PORT": 587, "EMAIL_USE_TLS": True}),
        ("smtp+tls://dot:a%40b@mail.example:2525", {"EMAIL_PORT": 2525, "EMAIL_USE_TLS": True}),
        ("submission://dot:a%40b@mail.example", {"EMAIL_PORT": 587, "EMAIL_USE_TLS": True}),
        ("smtp+ssl://dot:a%40b@mail.example:465", {"EMAIL_PORT": 465, "EMAIL_USE_SSL": True}),
        ("smtp://dot:a%40b@mail.example", {"EMAIL_PORT": 25}),
    ],
)
def test_a_mail_server(url: str, expected: dict[str, Any]) -> None:
    found = email_of(url)
    usual = {"EMAIL_USE_TLS": False, "EMAIL_USE_SSL": False, "EMAIL_TIMEOUT": TIMEOUT_S}
    account = {"EMAIL_HOST": "mail.example", "EMAIL_HOST_USER": "dot", "EMAIL_HOST_PASSWORD": "a@b"}
    for name, value in {**usual, **account, "EMAIL_BACKEND": SMTP, **expected}.items():
        assert found[name] == value, name


def test_another_patience() -> None:
    assert email_of("smtp+ssl://mail.example:465?timeout=5")["EMAIL_TIMEOUT"] == 5
    assert email_of("smtp+ssl://mail.example:465?timeout=5")["EMAIL_USE_SSL"]


@pytest.mark.parametrize("url", ["smpt://mail.example", "mail.example", "https://mail.example"])
def test_what_is_none_is_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="smtp"):
        email_of(url)
