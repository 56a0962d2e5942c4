"""Rendering the edge: all routes at once, in few queries, never backwards, also by many at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import connection, transaction

from apps.fleet import edge, services
from apps.fleet.models import EdgeState, Route
from dotmac.edge import EdgeError
from tests.fleet.test_routes import HOST, UPSTREAM, lead


def state():
    return EdgeState.objects.values_list("wanted", "applied").get()


def test_a_rendered_route_answers(operator_schema):
    lead(uuid4())
    assert edge.render() == 1
    assert edge.edge().status(HOST) == 200
    assert state() == (1, 1)


def test_a_notice_is_served_instead_of_the_instance(operator_schema):
    lead(uuid4(), notice="suspended")
    edge.render()
    assert edge.edge().status(HOST) == 503


def test_a_shared_workspace_leads_to_the_platform(operator_schema):
    lead(uuid4(), upstreams=[])
    edge.render()
    assert edge.edge().routes[HOST].upstreams == ()


def test_nothing_is_rendered_without_a_change(operator_schema):
    lead(uuid4())
    edge.render()
    edge.edge().routes.clear()
    assert edge.render() == 1
    assert edge.edge().routes == {}


def test_a_refusal_of_the_edge_leaves_it_behind_and_is_tried_again(operator_schema):
    lead(uuid4())
    edge.edge().fail()
    with pytest.raises(EdgeError):
        edge.render()
    assert state() == (1, 0)
    assert edge.is_behind()
    assert edge.render() == 1
    assert not edge.is_behind()


def test_lost_files_are_written_again(operator_schema, settings, tmp_path):
    settings.EDGE_KIND, settings.EDGE_DIR = "traefik", tmp_path
    edge.edge.cache_clear()
    lead(uuid4())
    edge.render()
    file = tmp_path / "routes.yml"
    before = file.read_text()
    assert HOST in before
    file.unlink()
    edge.refresh()
    assert file.read_text() == before


@pytest.mark.parametrize("count", [10, 1000])
def test_the_number_of_queries_does_not_grow_with_the_routes(
    operator_schema, django_assert_max_num_queries, count
):
    lead(uuid4())
    Route.objects.bulk_create(
        Route(hostname=f"isp-{n}.apps.localhost", schema="c_x", upstreams=[UPSTREAM])
        for n in range(count)
    )
    with django_assert_max_num_queries(14) as queries:  # most are the lock and savepoints
        edge.render()
    assert sum("fleet_route" in query["sql"] for query in queries) == 1
    assert len(edge.edge().routes) == count + 1


def test_one_bad_row_does_not_keep_the_others_from_being_served(operator_schema):
    lead(uuid4())
    Route.objects.create(hostname="Not A Host", schema="c_x")
    edge.render()
    assert list(edge.edge().routes) == [HOST]


def test_a_certificate_is_served_and_a_missing_file_is_left_out(operator_schema, tmp_path):
    pair = [tmp_path / "crt.pem", tmp_path / "key.pem"]
    for path in pair:
        path.touch()
    facts = {"certificate_path": pair[0], "expires_at": datetime(2027, 1, 1, tzinfo=UTC)}
    names = ["*.apps.localhost"]
    for name, key in (("apps", pair[1]), ("lost", tmp_path / "lost.pem")):
        services.set_certificate(name=name, hostnames=names, key_path=key, **facts)
    services.set_certificate(name="apps", hostnames=names, key_path=pair[1], **facts)
    assert edge.render() == 2
    assert [one.key_path for one in edge.edge().certificates] == [pair[1]]


def test_rendering_inside_a_transaction_is_refused(live_database):
    lead(uuid4())
    with transaction.atomic(), pytest.raises(RuntimeError):
        edge.render()


def test_many_changes_at_once_are_rendered_together(live_database):
    """While one renders, the changes of all others gather, and the next rendering has them all."""
    together = threading.Barrier(20)
    real, applied = edge.edge().apply, []

    def counted(routes, certificates):
        found = list(routes)
        applied.append(len(found))
        return real(found, certificates)

    edge.edge().apply = counted

    def change(number):
        try:
            together.wait()
            lead(uuid4(), f"isp-{number}.apps.localhost")
            asked = state()[0]
            together.wait()
            assert edge.render() >= asked
            assert state()[1] >= asked
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(change, range(20)))
    assert applied == [20]
    assert state() == (20, 20)


def test_the_revision_that_the_edge_has_never_falls(live_database):
    """Those who render at any time see the edge go forward only."""
    seen = []
    real = edge.edge().apply

    def watched(routes, certificates):
        found = list(routes)
        seen.append(len(found))
        return real(found, certificates)

    edge.edge().apply = watched

    def change(number):
        try:
            lead(uuid4(), f"isp-{number}.apps.localhost")
            edge.render()
            assert f"isp-{number}.apps.localhost" in edge.edge().routes
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(change, range(40)))
    assert seen == sorted(seen)
    assert state() == (40, 40)
