"""People of Acme and of Initech, what they are told, and mail that arrives or does not."""

from collections.abc import Callable, Iterator

import pytest
from django.core.cache import cache
from django.db.models import Max
from django.test import Client

from apps.accounts.models import User
from apps.events import services as events
from apps.events.models import Event
from apps.notifications.models import Notification
from apps.notifications.registry import Kind, register
from apps.notifications.services import notify
from apps.tenancy.kinds import schema_of
from tests.conftest import Isp
from tests.pages.conftest import browser

TEST = register(
    Kind(
        "test.happened",
        title="Something of the tests happens",
        heading="%(what)s happened",
        body="Because of %(why)s.",
    )
)


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def person(schema: str, name: str, **rights: bool) -> User:
    """Somebody of a schema."""
    with schema_of(schema):
        return User.objects.create_user(f"{name}@example.net", **{"is_staff": True, **rights})


def browser_of(user: User, host: str, schema: str) -> Client:
    """Their browser, signed in."""
    client = browser(host)
    with schema_of(schema):
        client.force_login(user)
    return client


@pytest.fixture
def alice(acme: Isp, db: None) -> User:
    """An owner in Acme's console."""
    return person(acme.console, "alice", is_superuser=True)


@pytest.fixture
def bob(initech: Isp, db: None) -> User:
    """An owner in Initech's console, with the same number as Alice."""
    return person(initech.console, "bob", is_superuser=True)


@pytest.fixture
def hers(acme: Isp, alice: User) -> Client:
    """Alice's browser."""
    return browser_of(alice, acme.console_host, acme.console)


@pytest.fixture
def his(initech: Isp, bob: User) -> Client:
    """Bob's browser."""
    return browser_of(bob, initech.console_host, initech.console)


@pytest.fixture
def tell(acme: Isp, alice: User) -> Callable[..., Notification]:
    """`tell("Rain")` tells Alice of something."""

    def told(what: str, *, key: str = "", url: str = "/admin/") -> Notification:
        with schema_of(acme.console):
            notify(TEST, [alice], key=key or what, data={"what": what, "why": "clouds"}, url=url)
            return Notification.objects.get(key=key or what)

    return told


def show_events(schema: str) -> None:
    """Seal what happened and show it to the reactions, as the clock does.

    Inside a test's transaction, which is never over, the sealer itself would wait.
    """
    with schema_of(schema):
        last = Event.objects.aggregate(last=Max("seal_no"))["last"] or 0
        waiting = Event.objects.filter(seal_no=None).order_by("id")
        for number, pk in enumerate(waiting.values_list("pk", flat=True), start=last + 1):
            Event.objects.filter(pk=pk).update(seal_no=number)
        while events.dispatch():
            pass
