"""Reserving room on servers: never over capacity, on the right server, with its own networks."""

from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from itertools import pairwise
from uuid import uuid4

import pytest
from django.db import connection

from apps.core.exceptions import ConflictError, NotFoundError
from apps.fleet import services
from apps.fleet.addresses import SLOTS
from apps.fleet.exceptions import CapacityError, ServerUnavailableError
from apps.fleet.models import Placement, Server
from tests.fleet.conftest import make_server, reserve


def test_fifty_at_once_fill_room_for_twenty_and_no_more(live_database):
    make_server("fra-1", room_for=12)
    make_server("fra-2", room_for=8)

    def try_one(_number):
        try:
            reserve()
        except CapacityError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(50) as pool:
        won = list(pool.map(try_one, range(50)))
    assert won.count(True) == 20
    for server, room in (("fra-1", 12), ("fra-2", 8)):
        slots = Placement.objects.filter(server__name=server).values_list("slot", flat=True)
        assert sorted(slots) == list(range(room))


def test_the_same_deployment_reserved_at_once_is_one_placement(live_database):
    make_server()
    instance = uuid4()

    def try_one(_number):
        try:
            return reserve(instance).uuid
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(try_one, range(8)))) == 1
    assert Placement.objects.count() == 1


def test_the_server_with_the_smallest_share_of_memory_taken_is_chosen(server):
    big = make_server("fra-2", room_for=40)
    for _ in range(3):
        reserve()
    assert [s.placements.count() for s in (server, big)] == [1, 2]


@pytest.mark.parametrize(
    ("resource", "asked"),
    [
        ("cpu_millis", "1000 CPU"),
        ("memory_mb", "1,000,000 MiB of memory"),
        ("disk_mb", "1,000,000 MiB of disk"),
    ],
)
def test_each_resource_alone_can_be_what_is_missing(server, resource, asked):
    with pytest.raises(CapacityError, match="Region Frankfurt has no room for Acme workspace") as e:
        reserve(**{resource: 10**6})
    assert f"lacks {asked} where" in e.value.message
    assert e.value.permanent


def test_a_released_reservation_gives_its_room_and_its_network_back(operator_schema):
    make_server(room_for=1)
    first = reserve()
    with pytest.raises(CapacityError):
        reserve()
    assert services.release(first.instance, 1)
    assert not services.release(first.instance, 1)
    assert reserve().slot == 0


def test_a_second_deployment_keeps_its_server_and_its_networks(server):
    first = reserve()
    services.activate(first.instance, 1)
    make_server("fra-2", room_for=500)
    second = reserve(first.instance, deployment=2)
    assert (second.server, second.slot) == (server, first.slot)
    assert reserve().slot == 0  # on the other server
    services.release(first.instance, 1)
    assert reserve(first.instance, deployment=3).slot == first.slot


def test_an_archived_instance_comes_back_to_the_server_with_its_volumes(server):
    instance = reserve().instance
    services.activate(instance, 1)
    services.release(instance, 1)
    make_server("fra-2", room_for=500)
    assert reserve(instance, deployment=2).server == server


def test_a_failed_first_deployment_binds_to_no_server(server):
    instance = reserve().instance
    services.release(instance, 1)
    other = make_server("fra-2", room_for=500)
    reserve()
    assert reserve(instance, deployment=2).server == other


def test_no_room_for_a_second_deployment_says_where_the_data_are(operator_schema):
    make_server(room_for=1)
    make_server("fra-2", room_for=1)
    instance = reserve().instance
    with pytest.raises(CapacityError, match="has its data on server fra-1"):
        reserve(instance, deployment=2)


def test_a_repeat_adopts_the_reservation(server):
    first = reserve()
    assert reserve(first.instance) == first
    assert services.activate(first.instance, 1).status == Placement.Status.ACTIVE
    assert services.activate(first.instance, 1) == first


def test_what_was_released_cannot_become_active(server):
    first = reserve()
    services.release(first.instance, 1)
    with pytest.raises(ConflictError, match="Deploy the instance again"):
        services.activate(first.instance, 1)


def test_a_draining_server_takes_no_new_instance_and_keeps_its_own(server):
    instance = reserve().instance
    Server.objects.update(is_draining=True)
    with pytest.raises(CapacityError, match="no server that takes new instances"):
        reserve()
    assert reserve(instance, deployment=2).server == server


def test_while_no_server_of_the_region_answers_a_reservation_can_be_tried_again(server):
    instance = reserve().instance
    Server.objects.update(status=Server.Status.UNREACHABLE)
    with pytest.raises(ServerUnavailableError, match="No server of region Frankfurt answers") as e:
        reserve()
    assert not e.value.permanent
    with pytest.raises(ServerUnavailableError, match="Server fra-1 does not answer"):
        reserve(instance, deployment=2)


def test_an_unknown_region_is_named(operator_schema):
    with pytest.raises(NotFoundError, match="There is no region “ams”"):
        reserve(region="ams")


def test_a_shared_workspace_is_placed_on_the_platform(operator_schema):
    facts = {"instance": uuid4(), "instance_name": "Hilltop", "schema": "c_hilltop"}
    placed = services.place_on_platform(**facts, deployment=1, operation=uuid4())
    assert placed.server is None
    assert services.place_on_platform(**facts, deployment=1, operation=uuid4()) == placed
    with pytest.raises(ValueError, match="no networks"):
        services.subnets(placed)


def test_reserving_works_inside_a_console(db, acme, in_console):
    make_server()
    with in_console(acme):
        assert reserve().server.name == "fra-1"


def test_the_subnets_of_all_slots_lie_apart():
    server = Server(name="fra-1", address_prefix="10.201")
    taken = []
    for slot in range(SLOTS):
        taken += map(ip_network, services.subnets(Placement(server=server, slot=slot)))
    assert SLOTS >= 4000
    assert taken == sorted(taken)
    assert not any(one.overlaps(other) for one, other in pairwise(taken))
    assert (str(taken[0]), str(taken[-1])) == ("10.201.0.0/28", "10.202.255.240/28")
