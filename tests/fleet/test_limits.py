"""Members of the operator who are limited to a region: rows, filters, and a renamed code."""

import pytest
from django.conf import settings
from django.test import Client

from apps.accounts import members
from apps.accounts.access import may, narrow
from apps.accounts.models import User
from apps.fleet.models import Region, Server
from tests.accounts.browser import text_of
from tests.fleet.conftest import make_server


@pytest.fixture
def regions(operator_schema: None) -> tuple[Region, Region]:
    """Two regions, each with a server."""
    make_server("fra-1", room_for=5)
    here = Region.objects.get()
    there = Region.objects.create(code="oslo", name="Oslo fjord", country="NO")
    other = Server.objects.get()
    other.pk, other.name, other.region = None, "osl-1", there
    other.uuid, other.address_prefix = there_uuid(), "10.77"
    other.save()
    return here, there


def there_uuid() -> object:
    return Server._meta.get_field("uuid").get_default()


@pytest.fixture
def lim(regions: tuple[Region, Region]) -> User:
    """Somebody who sees the first region alone."""
    owner = User.objects.create_superuser("olive@operator.example", "x")
    user = User.objects.create_user("lim@operator.example")
    members.set_role(user, "technician", by=owner, limits=[f"region:{regions[0].pk}"])
    return user


def page(user: User, path: str) -> str:
    client = Client(headers={"host": settings.BASE_DOMAIN})
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    answer = client.get(path)
    assert answer.status_code == 200
    return text_of(answer)


def test_filters_name_nothing_outside_the_limit(lim: User, regions: tuple[Region, Region]) -> None:
    here, there = regions
    listing = page(lim, "/admin/fleet/server/")
    assert here.name in listing
    assert there.name not in listing
    assert "osl-1" not in page(lim, "/admin/fleet/placement/")
    owner = User.objects.get(is_superuser=True)
    assert there.name in page(owner, "/admin/fleet/server/")
    assert "osl-1" in page(owner, "/admin/fleet/placement/")


def test_filters_of_a_fitting_query_show_no_other_rows(
    lim: User, regions: tuple[Region, Region]
) -> None:
    there = regions[1]
    assert "osl-1" not in page(lim, f"/admin/fleet/server/?region__id__exact={there.pk}")


def test_a_renamed_code_neither_widens_nor_loses_a_limit(
    lim: User, regions: tuple[Region, Region]
) -> None:
    here, there = regions
    code = here.code
    Region.objects.filter(pk=here.pk).update(code="renamed")
    Region.objects.filter(pk=there.pk).update(code=code)
    assert [row.name for row in narrow(lim, Server.objects.all())] == ["fra-1"]
    assert list(narrow(lim, Region.objects.all())) == [here]
    assert not may(lim, "fleet.view", there)
