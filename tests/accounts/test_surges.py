"""Stolen passwords tried once each, over many accounts and from many addresses."""

from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from prometheus_client import REGISTRY

from apps.accounts.models import User
from apps.accounts.security.surges import TRIES
from apps.alerts.models import Alert
from apps.events.models import Event
from apps.notifications.models import Notification
from apps.tenancy.kinds import PUBLIC, schema_of
from tests.accounts.browser import Browser
from tests.accounts.conftest import PASSWORD
from tests.accounts.people import ACME, FRONT, enter, is_in, somebody
from tests.accounts.test_limits import guess, is_refused
from tests.notifications.conftest import show_events

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]
BOUND = 20


@pytest.fixture(autouse=True)
def _bound(settings: Any) -> None:
    cache.clear()
    settings.FAILED_SIGN_INS_BOUND = BOUND


def stuff(number: int = BOUND + 1, **where: str) -> list[bool]:
    """Each account once, each try from another network; which were not even tried."""
    return [is_refused(guess(f"person{n}", ip=f"10.{n}.0.1", **where)) for n in range(number)]


def enter_from(ip: str, email: str, **headers: str) -> int:
    client = Client(REMOTE_ADDR=ip, headers={"host": "dotmac.localhost", **headers})
    form = {"login": email, "password": PASSWORD}
    return client.post("/accounts/login/", form).status_code


def failed() -> float:
    found = REGISTRY.get_sample_value("dotmac_sign_ins_failed_total", {"kind": PUBLIC})
    return found or 0.0


def test_owners_are_told_once_and_it_is_recorded_and_counted() -> None:
    somebody(FRONT, "alice", is_staff=True, is_superuser=True)
    before = failed()
    assert not any(stuff(BOUND))
    with schema_of("public"):
        assert not Event.objects.filter(type="sign_ins.many_failed").exists()
    assert not any(stuff(BOUND + 10))
    assert failed() - before == 2 * BOUND + 10
    show_events("public")
    with schema_of("public"):
        assert Event.objects.get(type="sign_ins.many_failed").data["count"] == BOUND + 1
        (notice,) = Notification.objects.filter(kind="sign_ins.many_failed")
        assert notice.user == User.objects.get(email="alice@example.net")
        assert Alert.objects.get(kind="sign_ins.many_failed").severity == "warning"


def test_each_network_has_few_tries_then_and_nobody_is_locked_out(browser: Browser) -> None:
    somebody(FRONT, "alice")
    stuff()
    tries = [is_refused(guess(f"other{n}", ip=f"198.51.100.{n}")) for n in range(TRIES + 2)]
    assert tries == [False] * TRIES + [True] * 2
    # Elsewhere people come in, as often as they like.
    assert [enter_from("192.0.2.7", "alice@example.net") for _ in range(TRIES + 2)] == [302] * 5


def test_a_browser_that_is_known_is_not_held_up() -> None:
    somebody(FRONT, "alice")
    somebody(FRONT, "bob")
    firefox = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}
    assert enter_from("198.51.100.9", "alice@example.net", **firefox) == 302
    stuff()
    for n in range(TRIES):
        guess(f"other{n}", ip=f"198.51.100.{n}")
    assert enter_from("198.51.100.10", "bob@example.net", **firefox) == 429
    assert enter_from("198.51.100.10", "alice@example.net", **firefox) == 302


def test_it_is_one_level_s_matter_and_ends(browser: Browser) -> None:
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False) as clock:
        stuff()
        for n in range(10):
            assert not is_refused(guess(f"q{n}", ip=f"203.0.113.{n}", host="acme.apps.localhost"))
        somebody(ACME, "carol")
        enter(browser, ACME, "carol@example.net")
        assert is_in(browser, ACME)
        clock.shift(601)
        assert not any(is_refused(guess(f"q{n}", ip=f"198.51.100.{n}")) for n in range(10))
