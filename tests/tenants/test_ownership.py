"""Handing an organisation over: offered by the owner, accepted by a member, refused to others."""

from collections.abc import Callable

import pytest
from django.conf import settings
from django.test import Client

from apps.accounts.models import User
from apps.core.mailbox import messages
from apps.events.models import Event
from apps.tenancy.kinds import PUBLIC, schema_of
from apps.tenants.models import Membership, Organisation, OwnershipOffer
from tests.accounts.browser import text_of
from tests.accounts.conftest import PASSWORD, commits

__all__ = ["commits"]

pytestmark = pytest.mark.usefixtures("commits")
PAGE = "/organisations/northwind/owner/"


def signed_in(email: str) -> Client:
    """Somebody who just proved again who they are."""
    client = Client(headers={"host": settings.BASE_DOMAIN})
    client.post("/accounts/login/", {"login": email, "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


@pytest.fixture
def bob(northwind: Organisation, person: Callable[[str], User]) -> User:
    """A member of Alice's organisation."""
    user = person("bob")
    with schema_of(PUBLIC):
        Membership.objects.create(organisation=northwind, user=user.uuid, role="member")
    return user


def rights(email: str, schema: str) -> tuple[bool, str]:
    """Whether somebody owns a schema, and their role."""
    with schema_of(schema):
        user = User.objects.get(email=email)
        return user.is_superuser, getattr(getattr(user, "membership", None), "role", "")


def test_it_is_handed_over_once_it_is_accepted(northwind: Organisation, bob: User) -> None:
    alice, heir = signed_in("alice@example.net"), signed_in("bob@example.net")
    assert heir.get(PAGE).status_code == 404
    assert "People and ownership" in text_of(alice.get("/organisations/"))
    alice.post(PAGE, {"what": "offer", "to": str(bob.uuid)})
    assert "Offered to Bob until" in text_of(alice.get(PAGE))
    assert "offers you Northwind Fiber" in messages()[0]["subject"]
    northwind.refresh_from_db()
    assert northwind.owner != bob.uuid
    assert "Become the owner" in text_of(heir.get(PAGE))
    assert heir.post(PAGE, {"what": "accept"})["location"] == "/organisations/"
    northwind.refresh_from_db()
    assert (northwind.owner, northwind.email) == (bob.uuid, "bob@example.net")
    for schema in ("c_northwind", "w_northwind"):
        assert rights("bob@example.net", schema)[0]
        assert rights("alice@example.net", schema) == (False, "admin")
    assert alice.get(PAGE).status_code == 404
    with schema_of(PUBLIC):
        assert not OwnershipOffer.objects.exists()
        roles = dict(Membership.objects.values_list("user", "role"))
        assert roles[bob.uuid] == "owner"
        assert Event.objects.filter(type="organisation.ownership_transferred").count() == 1


def test_an_offer_is_withdrawn_and_accepted_by_nobody_else(
    northwind: Organisation, bob: User, person: Callable[[str], User]
) -> None:
    mallory = person("mallory")
    alice = signed_in("alice@example.net")
    for nobody in (str(mallory.uuid), "", str(northwind.owner)):
        page = alice.post(PAGE, {"what": "offer", "to": nobody}, follow=True)
        assert "Choose somebody who belongs" in text_of(page)
    alice.post(PAGE, {"what": "offer", "to": str(bob.uuid)})
    outsider = signed_in("mallory@example.net")
    assert outsider.post(PAGE, {"what": "accept"}).status_code == 404
    assert "does not hold any more" in text_of(alice.post(PAGE, {"what": "accept"}, follow=True))
    alice.post(PAGE, {"what": "withdraw"})
    assert signed_in("bob@example.net").post(PAGE, {"what": "accept"}).status_code == 404
    northwind.refresh_from_db()
    assert northwind.owner not in (bob.uuid, mallory.uuid)


def test_the_password_is_asked_again(northwind: Organisation, bob: User) -> None:
    client = Client(headers={"host": settings.BASE_DOMAIN})
    with schema_of(PUBLIC):
        client.force_login(User.objects.get(email="alice@example.net"))
    for answer in (client.get(PAGE), client.post(PAGE, {"what": "offer", "to": str(bob.uuid)})):
        assert answer["location"].startswith("/accounts/reauthenticate/")
    with schema_of(PUBLIC):
        assert not OwnershipOffer.objects.exists()
    stranger = Client(headers={"host": settings.BASE_DOMAIN})
    assert stranger.get(PAGE)["location"].startswith("/accounts/login/")
