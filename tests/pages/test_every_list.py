"""Every list and home, by the URL patterns: the same queries, whatever lies behind."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.test import Client, override_settings

from apps.tenancy.kinds import schema_of
from tests.accessibility.world import OWNER, SCHEMAS, fill
from tests.costs import queries_of
from tests.crowds import crowd
from tests.pages.lists import HOMES, List, lists
from tests.pages.test_every_address import HOSTS
from tests.signed_in import proven_session

pytestmark = pytest.mark.timeout(600)
_FEW, _MORE = 3, 30


@pytest.fixture(scope="module")
def owners(
    open_live_database: Callable[[], AbstractContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Client]]:
    """The owner of each kind, signed in, on a site that has a row of everything."""
    media = tmp_path_factory.mktemp("media")
    with open_live_database(), override_settings(MEDIA_ROOT=media):
        fill()
        clients = {}
        for kind, schema in SCHEMAS.items():
            clients[kind] = Client(headers={"host": HOSTS[kind]})
            clients[kind].cookies[settings.SESSION_COOKIE_NAME] = proven_session(schema, OWNER)
        yield clients


def cost(client: Client, path: str) -> int:
    """How many queries a page costs."""
    return queries_of(lambda: client.get(path))


def length(client: Client, path: str) -> int:
    """How long a page is."""
    return len(client.get(path).content)


def more_of(kind: str, model: Any, count: int) -> None:
    with schema_of(SCHEMAS[kind]):
        assert crowd(model, count), f"tests/accessibility/world.py makes no {model} at the {kind}"


def costs(owner: Client, kind: str, one: List) -> tuple[int, int]:
    """What a list costs with a few rows, and with many."""
    model = apps.get_model(one.model)
    more_of(kind, model, _FEW)
    few = cost(owner, one.path)
    more_of(kind, model, _MORE)
    return few, cost(owner, one.path)


@pytest.mark.parametrize("kind", HOMES)
def test_a_list_costs_the_same_queries_whatever_it_shows(
    owners: dict[str, Client], kind: str
) -> None:
    """Then the homes, which look at all of these rows."""
    owner = owners[kind]
    before = {path: cost(owner, path) for path in HOMES[kind]}
    dear = {}
    for one in lists(kind):
        few, many = costs(owner, kind, one)
        if many > few:
            dear[one.path] = (few, many)
    dear |= {path: (few, many) for path, few in before.items() if (many := cost(owner, path)) > few}
    assert dear == {}
    lengths = {path: length(owner, path) for path in HOMES[kind]}
    for one in lists(kind):
        more_of(kind, apps.get_model(one.model), _MORE)
    # Numbers get a digit more; a row of anything has more than these.
    longer = {path for path, few in lengths.items() if length(owner, path) > few + 200}
    assert longer == set(), "A home lists all there is."
