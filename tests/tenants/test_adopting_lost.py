"""A dedicated workspace went with its server: its last export takes its place."""

from collections.abc import Iterator

import pytest
from django.conf import settings as django_settings

from apps.accounts.services import create_user
from apps.core.exceptions import ConflictError
from apps.events.actors import SYSTEM
from apps.fleet import engines, probes, services
from apps.fleet.models import Route, Server
from apps.instances.models import Instance
from apps.subscribers.models import Subscriber
from apps.tenancy.kinds import operator, schema_of
from apps.tenancy.models import Tenant
from apps.tenants.attaching import attach
from apps.tenants.models import Organisation
from apps.tenants.services import create_organisation
from tests.accounts.conftest import application
from tests.instances.world import plan_of
from tests.tenants.arrived import (
    Bring,
    bring,
    furnished,
    module_database,
    own_files,
    swept_database,
    work_off,
)

__all__ = ["bring", "furnished", "module_database", "own_files", "swept_database"]
HOST = f"northwind.{django_settings.APPS_DOMAIN}"


@pytest.fixture
def northwind(bring: Bring) -> Iterator[Organisation]:
    """Bob's ISP, whose workspace is a stack of its own."""
    with operator():
        bob = create_user(email="bob@northwind.example", is_verified=True, actor=SYSTEM)
    made = create_organisation(application(), plan_of("enterprise"), owner=bob, actor=SYSTEM)
    work_off()
    yield made
    bob.delete()


def lose() -> None:
    """Two probes get no answer, and the operator gives it up."""
    engines.fake_engine("one").host.unreachable = True
    with operator():
        probes.probe_all()
        probes.probe_all()
        server = Server.objects.get(name="one")
        assert services.declare_lost(server, reason="The machine burnt down.", actor=SYSTEM) == 1


def test_its_last_export_takes_the_place_of_what_is_lost(
    bring: Bring, northwind: Organisation
) -> None:
    slug = bring(console=False)
    with schema_of("c_northwind"):
        assert Instance.objects.get().status == Instance.Status.ACTIVE
    assert not Tenant.objects.get(schema_name="w_northwind").is_local
    with pytest.raises(ConflictError, match="which nothing replaces"):
        attach(slug, northwind, actor=SYSTEM)
    lose()
    with schema_of("c_northwind"):
        assert Instance.objects.get().status == Instance.Status.FAILED
    attach(slug, northwind, actor=SYSTEM)
    northwind.refresh_from_db()
    assert northwind.workspace is not None
    assert northwind.workspace.schema_name == f"w_{slug}"
    assert not Tenant.objects.filter(schema_name="w_northwind").exists()
    with schema_of(f"w_{slug}"):
        assert Subscriber.objects.exists()
    with schema_of("c_northwind"):
        instance = Instance.objects.get()
        assert (instance.status, instance.hosting) == ("active", "shared")
    route = Route.objects.get(hostname=HOST)
    assert (route.instance, route.notice) == (instance.uuid, "")
    # What may lie on the server is still known to be there.
    assert Server.objects.get(name="one").has_given_up(instance.uuid)
