"""Several workers at the same time, each with a connection of its own."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from apps.core.exceptions import ConflictError
from apps.fleet import engines
from apps.fleet.edge import edge
from apps.fleet.models import Placement, Server
from apps.operations.models import Operation
from apps.tenancy.kinds import schema_of
from apps.work.jobs import run
from apps.work.models import Due
from tests.conftest import ACME, INITECH, Isp
from tests.instances.world import Shop, adopt, furnish, install_shop


@pytest.fixture
def shops(live_database: str) -> Iterator[list[Shop]]:
    """Two ISPs, each with a shop whose first deployment is queued."""
    furnish()
    for isp in (ACME, INITECH):
        adopt(isp)
    yield [install_shop(isp) for isp in (ACME, INITECH)]
    engines.forget()
    edge.cache_clear()


def work(due_id: str) -> str:
    try:
        return run(due_id)
    finally:
        connection.close()


def run_together(*due_ids: str) -> list[str]:
    with ThreadPoolExecutor(len(due_ids)) as pool:
        return list(pool.map(work, due_ids))


def test_two_instances_deployed_at_once_get_networks_of_their_own(shops: list[Shop]) -> None:
    run_together(*(str(pk) for pk in Due.objects.values_list("pk", flat=True)))
    assert [shop.operation.status for shop in shops] == ["succeeded", "succeeded"]
    placements = Placement.objects.all()
    assert {row.server for row in placements} == {Server.objects.get()}
    assert len({row.slot for row in placements}) == 2
    networks = shops[0].engine.host.networks.values()
    assert len({network.subnet for network in networks}) == 4


def test_two_workers_woken_for_one_deployment_make_it_once(shops: list[Shop]) -> None:
    first = str(Due.objects.get(schema=shops[0].isp.console).pk)
    outcomes = run_together(first, first, first)
    assert sorted(outcomes) == ["ran", "taken or not due", "taken or not due"]
    assert shops[0].deployments == [(1, "1.0", "succeeded")]


def change(shop: Shop) -> str:
    try:
        with schema_of(shop.isp.console):
            shop.deploy()
    except ConflictError as error:
        return error.message
    finally:
        connection.close()
    return "started"


def test_of_two_changes_asked_for_at_once_one_is_made(shops: list[Shop]) -> None:
    shop = shops[0]
    run_together(str(Due.objects.get(schema=shop.isp.console).pk))
    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(change, [shop] * 4))
    assert said.count("started") == 1
    with schema_of(shop.isp.console):
        assert Operation.objects.filter(status="queued").count() == 1


def install(isp: Isp) -> str:
    try:
        install_shop(isp)
    except ConflictError as error:
        return error.message
    finally:
        connection.close()
    return "started"


def test_a_double_click_installs_an_app_once(live_database: str) -> None:
    furnish()
    adopt(ACME)
    with ThreadPoolExecutor(3) as pool:
        said = list(pool.map(install, [ACME] * 3))
    assert said.count("started") == 1
    assert {text[:32] for text in said} == {"started", "There is already an instance at "}
    engines.forget()
    edge.cache_clear()
