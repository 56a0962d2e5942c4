"""Hostnames: whose they are, and that the edge gets every change once."""

from uuid import uuid4

import pytest

from apps.core.exceptions import ConflictError, DomainError
from apps.fleet import services
from apps.fleet.models import EdgeState, Route
from apps.fleet.services.routes import correct_upstreams

HOST = "acme.apps.localhost"
UPSTREAM = {
    "url": "http://10.201.0.2:8000",
    "weight": 1,
    "container": "dm-0123456789ab-web-1",
    "network": "dm-0123456789ab-front",
    "port": 8000,
}


def lead(instance, hostname=HOST, **change):
    facts = {"schema": "c_acme", "upstreams": [UPSTREAM], **change}
    return services.set_route(hostname=hostname, instance=instance, **facts)


def wanted():
    return EdgeState.objects.get().wanted


def test_a_change_of_a_route_asks_for_one_rendering(operator_schema):
    instance = uuid4()
    assert lead(instance).revision == 1
    assert wanted() == 1
    assert lead(instance, notice="suspended").revision == 2
    assert wanted() == 2
    assert services.routes_of(instance).get().notice == "suspended"


def test_the_same_route_again_changes_nothing(operator_schema):
    instance = uuid4()
    lead(instance)
    assert lead(instance, hostname="ACME.apps.localhost.").revision == 1
    assert wanted() == 1


def test_two_isps_cannot_have_the_same_hostname(db, acme, initech, in_console):
    with in_console(acme):
        lead(uuid4())
    with in_console(initech), pytest.raises(ConflictError, match="belongs to another instance"):
        lead(uuid4(), schema=initech.console)
    assert Route.objects.get().schema == acme.console


def test_a_removed_hostname_is_free_for_another(operator_schema):
    lead(uuid4())
    assert services.remove_route(HOST)
    assert not services.remove_route(HOST)
    assert wanted() == 2
    assert lead(uuid4()).revision == 1


@pytest.mark.parametrize(
    ("hostname", "url"),
    [
        ("acme`) || Host(`evil", UPSTREAM["url"]),
        ("a" * 254, UPSTREAM["url"]),
        (HOST, "file:///etc"),
    ],
)
def test_what_the_edge_would_refuse_is_refused_at_once(operator_schema, hostname, url):
    with pytest.raises(DomainError):
        lead(uuid4(), hostname, upstreams=[{**UPSTREAM, "url": url}])
    assert not Route.objects.exists()


def test_a_change_from_an_old_reading_is_dropped(operator_schema):
    instance = uuid4()
    stale = lead(instance)
    lead(instance, notice="stopped")
    assert not correct_upstreams(stale, [])
    assert services.routes_of(instance).get().upstreams == [UPSTREAM]
