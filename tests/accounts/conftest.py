"""People of the operator, plans and a region, for tests of sign-up and sign-in."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import Atomic

from apps.accounts.models import User
from apps.accounts.services import create_user
from apps.billing.services import OfferedPlan, offered_plans, seed_operator_plans
from apps.events.actors import SYSTEM
from apps.fleet.models import Region
from apps.tenancy.kinds import operator
from apps.tenants.models import Organisation
from apps.tenants.services import Application, create_organisation
from dev.identity_provider import Provider
from tests.accounts.browser import Browser, text_of
from tests.accounts.visiting import CONSOLE, begin, staff

PASSWORD = "a long winter in Lapland"


@pytest.fixture(autouse=True)
def _own_files(settings: Any, tmp_path: Path) -> Iterator[None]:
    """Keys and mails of this test alone, and no memory of earlier attempts."""
    settings.VAR_DIR = tmp_path
    settings.EMAIL_BACKEND = "apps.core.mailbox.MailboxBackend"
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def commits(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for a commit runs when the code's own transaction ends.

    Inside a test that ends in a rollback Django would never run it.
    """
    outside = len(connection.atomic_blocks)
    leave, wait = Atomic.__exit__, BaseDatabaseWrapper.on_commit

    def run_waiting() -> None:
        if len(connection.atomic_blocks) == outside:
            waiting, connection.run_on_commit = connection.run_on_commit, []
            for _savepoints, hook, _robust in waiting:
                hook()

    def leave_and_run(self: Atomic, *error: Any) -> None:
        leave(self, *error)
        run_waiting()

    def wait_or_run(self: Any, *args: Any, **kwargs: Any) -> None:
        wait(self, *args, **kwargs)
        run_waiting()

    monkeypatch.setattr(Atomic, "__exit__", leave_and_run)
    monkeypatch.setattr(BaseDatabaseWrapper, "on_commit", wait_or_run)


def furnish() -> None:
    """Plans and a region, as an operator has them."""
    with operator():
        seed_operator_plans()
        Region.objects.get_or_create(code="local", name="This machine", country="SE")
        Region.objects.get_or_create(code="shut", name="Closed region", country="SE", is_open=False)


@pytest.fixture
def market(db: None) -> None:
    """Plans on offer, and an open and a closed region."""
    furnish()


@pytest.fixture
def browser() -> Browser:
    """Alice's browser."""
    return Browser()


@pytest.fixture
def other_browser() -> Browser:
    """Somebody else's browser."""
    return Browser()


@pytest.fixture
def person(market: None) -> Callable[[str], User]:
    """`person("alice")` is somebody with a confirmed address at the operator."""

    def make(name: str) -> User:
        with operator():
            return create_user(
                email=f"{name}@example.net",
                name=name.capitalize(),
                password=PASSWORD,
                is_verified=True,
                actor=SYSTEM,
            )

    return make


def plan_of(key: str) -> OfferedPlan:
    """A plan on offer by its key."""
    with operator():
        return next(plan for plan in offered_plans() if plan.key == key)


def application(slug: str = "northwind", **changes: str) -> Application:
    """What an ISP says about itself."""
    said = {
        "name": "Northwind Fiber",
        "slug": slug,
        "country": "SE",
        "currency": "SEK",
        "time_zone": "Europe/Stockholm",
        "region": "local",
    }
    return Application(**{**said, **changes})


@pytest.fixture
def northwind(person: Callable[[str], User]) -> Organisation:
    """Alice's ISP on the shared plan."""
    return create_organisation(
        application(), plan_of("starter"), owner=person("alice"), actor=SYSTEM
    )


@pytest.fixture
def eve(northwind: Organisation, person: Callable[[str], User]) -> User:
    """Support at the operator, and no member of Alice's ISP."""
    return staff(person, "eve", "support")


@pytest.fixture
def hers(eve: User, browser: Browser) -> Browser:
    """Eve's browser, signed in at the operator a moment ago."""
    browser.sign_in("eve@example.net", PASSWORD)
    return browser


@pytest.fixture
def inside(hers: Browser, northwind: Organisation) -> Browser:
    """Eve's browser in the console."""
    page = begin(hers, northwind)
    assert page.status_code == 200, text_of(page)
    assert hers.address == f"{CONSOLE}/admin/"
    return hers


@pytest.fixture
def provider() -> Iterator[Provider]:
    """Hilltop's identity provider."""
    with Provider() as running:
        yield running
