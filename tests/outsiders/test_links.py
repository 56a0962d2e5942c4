"""Links that open something by themselves: at another ISP's host, twice, and too late."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.utils import timezone

from apps.tenancy.kinds import schema_of
from tests.conftest import ACME, INITECH, Isp
from tests.outsiders.links import COOKIES, ELSEWHERE, FOR_EVERYBODY, FOREVER, LINKS, Link, twin
from tests.outsiders.world import Undone, World
from tests.pages.test_every_address import OPEN


def test_every_open_address_has_a_link_that_is_tried_or_shows_all_the_same() -> None:
    assert LINKS.keys() | ELSEWHERE.keys() | FOR_EVERYBODY == OPEN, (
        "Say in tests/outsiders/links.py how a link of it is made, or that it needs none"
    )
    assert all((settings.BASE_DIR / path).exists() for path in ELSEWHERE.values())


@contextmanager
def made(link: Link) -> Iterator[str]:
    """A link of Acme's, with the same numbers at Initech; taken back afterwards."""
    try:
        with transaction.atomic():
            with schema_of(INITECH.workspace):
                twin()
            with schema_of(ACME.workspace):
                path = link.make()
            yield path
            raise Undone
    except Undone:
        pass


def opens(link: Link, path: str, isp: Isp) -> bool:
    """Whether the link opens what it is for at an ISP's workspace."""
    client = Client(headers={"host": isp.workspace_host}, raise_request_exception=False)
    client.cookies.load(COOKIES)
    answer = client.generic(link.method, path)
    assert answer.status_code < 500
    with schema_of(isp.workspace):
        return link.is_open(answer)


@pytest.mark.parametrize("name", LINKS)
def test_a_link_opens_nothing_of_another_isp(name: str, world: World) -> None:
    link = LINKS[name]
    with made(link) as path:
        assert not opens(link, path, INITECH)
        assert opens(link, path, ACME)


@pytest.mark.parametrize("name", [name for name, link in LINKS.items() if link.is_for_once])
def test_a_link_for_once_is_spent(name: str, world: World) -> None:
    link = LINKS[name]
    with made(link) as path:
        assert opens(link, path, ACME)
        assert not opens(link, path, ACME)


@pytest.mark.parametrize("name", [n for n, link in LINKS.items() if link.lasts < FOREVER])
def test_a_link_ends_by_itself(name: str, world: World) -> None:
    link = LINKS[name]
    with made(link) as path:
        late = timezone.now() + link.lasts + timedelta(minutes=1)
        with time_machine.travel(late, tick=False):
            assert not opens(link, path, ACME)
