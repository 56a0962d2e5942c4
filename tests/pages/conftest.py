"""Browsers of staff and strangers at the operator, at two consoles and in a workspace."""

from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.test import Client

from apps.accounts.models import User
from apps.tenancy.kinds import PUBLIC, schema_of
from tests.conftest import Isp
from tests.instances.world import engine, new_shop, platform, running_shop, sign_up

__all__ = ["engine", "new_shop", "platform", "running_shop", "sign_up"]

OPERATOR_HOST = "dotmac.localhost"


def browser(host: str) -> Client:
    """Somebody at a host, not signed in."""
    return Client(headers={"host": host})


def signed_in(host: str, schema: str, email: str, *, is_staff: bool = True) -> Client:
    """A new person of a schema, signed in at a host."""
    client = browser(host)
    with schema_of(schema):
        user = User.objects.create_user(email, is_staff=is_staff, is_superuser=is_staff)
        client.force_login(user)
    return client


@pytest.fixture
def root(platform: None) -> Client:
    """Staff of the operator."""
    return signed_in(OPERATOR_HOST, PUBLIC, "root@dotmac.example")


@pytest.fixture
def alice(acme: Isp, platform: None) -> Client:
    """Staff of Acme, in its console."""
    return signed_in(acme.console_host, acme.console, "alice@acme.example")


@pytest.fixture
def bob(initech: Isp, platform: None) -> Client:
    """Staff of Initech, in its console."""
    return signed_in(initech.console_host, initech.console, "bob@initech.example")


@pytest.fixture
def alice_at_work(acme: Isp, platform: None) -> Client:
    """Staff of Acme, in its workspace."""
    return signed_in(acme.workspace_host, acme.workspace, "alice@acme.example")


@pytest.fixture
def guest(acme: Isp, platform: None) -> Client:
    """A person of Acme's console who is no staff."""
    return signed_in(acme.console_host, acme.console, "guest@acme.example", is_staff=False)


@pytest.fixture
def nobody() -> Callable[[str], Client]:
    """`nobody(host)` is a stranger."""
    return browser


@pytest.fixture(autouse=True)
def _no_look_is_kept() -> None:
    """Nor a time zone, which says what day it is."""
    cache.clear()
