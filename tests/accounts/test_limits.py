"""Guessing passwords is slowed: on one account, over many addresses, over many accounts."""

from typing import Any

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client

from tests.accounts.authenticators import code_at
from tests.accounts.browser import Browser, text_of
from tests.accounts.conftest import PASSWORD
from tests.accounts.people import ACME, FRONT, add_app, enter, somebody

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]


def guess(
    name: str, *, ip: str = "192.0.2.1", host: str = "dotmac.localhost", **headers: str
) -> HttpResponse:
    """A wrong password for somebody, from an address."""
    form = {"login": f"{name}@example.net", "password": "wrong wrong"}
    client = Client(REMOTE_ADDR=ip, headers={"host": host, **headers})
    return client.post("/accounts/login/", form, secure=host.startswith("acme"))


def is_refused(page: HttpResponse) -> bool:
    """Whether an attempt was not even tried; if so it says for how long."""
    if page.status_code != 429:
        return False
    assert int(page["Retry-After"]) >= 60
    assert "Too many tries" in text_of(page)
    return True


def test_one_account_from_one_address() -> None:
    somebody(FRONT, "alice")
    assert [is_refused(guess("alice")) for _ in range(7)] == [False] * 5 + [True] * 2


def test_one_account_from_many_addresses(browser: Browser) -> None:
    somebody(FRONT, "alice")
    tries = [is_refused(guess("alice", ip=f"198.51.100.{n}")) for n in range(7)]
    assert tries == [False] * 5 + [True] * 2
    # The right password does not help now: the guesser may have found it.
    assert enter(browser, FRONT, "alice@example.net").status_code == 429


def test_many_accounts_from_one_address() -> None:
    tries = [is_refused(guess(f"person{n}")) for n in range(12)]
    assert tries == [False] * 10 + [True] * 2
    assert not is_refused(guess("person99", ip="192.0.2.2"))


def test_another_spelling_of_the_host_gives_no_further_tries() -> None:
    somebody(ACME, "alice")
    hosts = [f"acme.apps.localhost:{8000 + n}" for n in range(3)]
    hosts += [f"{name}.apps.localhost" for name in ("ACME", "acme", "AcMe")]
    hosts.append("acme.apps.localhost.")
    tries = [
        is_refused(guess(name, ip=f"198.51.100.{n}", host=host))
        for n, (host, name) in enumerate(zip(hosts, ["alice", "Alice", "ALICE"] * 3, strict=False))
    ]
    assert tries == [False] * 5 + [True] * 2


def test_an_account_of_the_same_name_elsewhere_is_another_one() -> None:
    somebody(FRONT, "alice")
    for n in range(6):
        guess("alice", ip=f"198.51.100.{n}")
    assert is_refused(guess("alice"))
    assert not is_refused(guess("alice", host="acme.apps.localhost"))


def test_behind_the_edge_only_the_address_that_it_adds_counts(settings: Any) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    edge = {"ip": "127.0.0.1"}
    # Invented addresses before the real one, which the edge puts last.
    tries = [
        is_refused(guess(f"p{n}", **edge, **{"x-forwarded-for": f"10.9.8.{n}, 203.0.113.5"}))
        for n in range(12)
    ]
    assert tries == [False] * 10 + [True] * 2
    other = {"x-forwarded-for": "203.0.113.5, 203.0.113.6"}
    assert not is_refused(guess("p99", **edge, **other))


def test_codes_of_a_second_factor_are_not_guessed(browser: Browser) -> None:
    somebody(FRONT, "alice")
    enter(browser, FRONT, "alice@example.net")
    secret = add_app(browser, FRONT)
    browser.submit(f"{FRONT}/accounts/logout/")
    enter(browser, FRONT, "alice@example.net")
    step = f"{FRONT}/accounts/2fa/authenticate/"
    wrong = str((int(code_at(secret)) + 500_000) % 1_000_000).zfill(6)
    tries = [is_refused(browser.submit(step, {"code": wrong})) for _ in range(7)]
    assert tries == [False] * 5 + [True] * 2


def test_a_flood_of_names_does_not_push_counted_attempts_out() -> None:
    somebody(FRONT, "alice")
    for _ in range(5):
        guess("alice")
    for n in range(2_000):
        cache.set(f"flood-{n}", 1)
    assert is_refused(guess("alice", ip="192.0.2.9"))


def test_links_to_choose_a_new_password_are_limited() -> None:
    somebody(FRONT, "alice")
    client = Client(headers={"host": "dotmac.localhost"})
    form = {"email": "alice@example.net"}
    answers = [client.post("/accounts/password/reset/", form).status_code for _ in range(7)]
    assert answers == [302] * 5 + [429] * 2


def test_who_waits_is_told_of_other_ways(browser: Browser) -> None:
    somebody(FRONT, "alice")
    for _ in range(5):
        guess("alice")
    form = {"login": "alice@example.net", "password": PASSWORD}
    page = browser.submit(f"{FRONT}/accounts/login/", form)
    assert "Wait 5 minutes" in text_of(page)
    assert "A passkey works meanwhile" in text_of(page)
