"""A row's detail beside its list: who gets it, and that without a script its own page opens."""

import re

import pytest
from django.test import Client

from apps.events import services as events
from apps.events.actors import SYSTEM, Subject
from apps.events.models import Event
from apps.tenancy.kinds import schema_of
from tests.conftest import Isp
from tests.lists.test_lists import member

LOG = "/admin/events/event/"
DESK = Subject("role", "0a000000-0000-4000-8000-000000000001", 'Desk & "more"')


@pytest.fixture
def event(acme: Isp, db: None) -> Event:
    """A role lost one permission and got another."""
    with schema_of(acme.workspace):
        data = {"before": ["a.view", "b.view"], "after": ["a.view", "c.view"]}
        return events.record("role.changed", actor=SYSTEM, subject=DESK, data=data)


@pytest.fixture
def alice(acme: Isp, db: None) -> Client:
    """Acme's owner."""
    return member(acme, "alice@acme.example", is_staff=True, is_superuser=True)


def test_a_row_s_link_is_its_page_and_names_the_detail(alice: Client, event: Event) -> None:
    page = alice.get(LOG).content.decode()
    assert f'href="{LOG}{event.pk}/change/" data-beside="{LOG}{event.pk}/beside/"' in page
    assert "js/drawer.js" in page
    popup = alice.get(f"{LOG}?_popup=1").content.decode()
    assert "data-beside" not in popup


def test_a_list_whose_rows_are_edited_has_none(alice: Client) -> None:
    page = alice.get("/admin/accounts/user/").content.decode()
    assert "data-beside" not in page
    assert "drawer.js" not in page
    assert alice.get("/admin/accounts/user/1/beside/").status_code != 200


def test_the_detail_has_the_fields_and_what_was_before(alice: Client, event: Event) -> None:
    text = alice.get(f"{LOG}{event.pk}/beside/").content.decode()
    assert "<html" not in text
    said = " ".join(re.sub(r"<[^>]+>", " ", text).split())
    assert said.startswith("role.changed Desk &amp; &quot;more&quot;")
    assert str(event.uuid) in said
    assert "Removed: b.view" in said
    assert "Added: c.view" in said


def test_who_may_not_see_the_row_gets_nothing_of_it(
    alice: Client, acme: Isp, initech: Isp, event: Event
) -> None:
    assert alice.get(f"{LOG}{event.pk + 1000}/beside/").status_code == 404
    clerk = member(acme, "carl@acme.example", is_staff=True)
    assert clerk.get(f"{LOG}{event.pk}/beside/").status_code == 403
    outsider = member(initech, "bob@initech.example", is_staff=True, is_superuser=True)
    stranger = Client(headers={"host": acme.workspace_host})
    stranger.cookies["sessionid"] = outsider.cookies["sessionid"].value
    assert stranger.get(f"{LOG}{event.pk}/beside/").status_code == 302
