"""The rows of a list: what they link to, what they say, and that nothing in them is markup."""

import re

import pytest
from django.test import Client

from apps.events.actors import SYSTEM
from apps.subscribers.models import Subscriber
from apps.subscribers.services import create_subscriber
from apps.tenancy.kinds import schema_of
from tests.conftest import Isp
from tests.lists.test_lists import HOME, member


@pytest.fixture
def owner(acme: Isp, db: None) -> Client:
    return member(acme, "owner@acme.example", is_staff=True, is_superuser=True)


def add(isp: Isp, name: str) -> Subscriber:
    with schema_of(isp.workspace):
        return create_subscriber(name=name, actor=SYSTEM)


def rows(client: Client, address: str) -> list[str]:
    text = client.get(address).content.decode()
    return re.findall(r'<tr class="dm-row.*?</tr>', text, re.DOTALL)


def test_a_row_leads_to_its_page_and_knows_the_way_back(owner: Client, acme: Isp) -> None:
    row = add(acme, "Dora Diaz")
    (shown,) = rows(owner, f"{HOME}?status__exact=lead")
    assert (
        f'<a href="{HOME}{row.pk}/change/?_changelist_filters=status__exact%3Dlead">Dora Diaz</a>'
        in shown
    )
    (plain,) = rows(owner, HOME)
    assert f'<a href="{HOME}{row.pk}/change/">Dora Diaz</a>' in plain


def test_a_row_has_one_heading_and_labels_for_narrow_screens(owner: Client, acme: Isp) -> None:
    add(acme, "Dora Diaz")
    (shown,) = rows(owner, HOME)
    assert shown.count("<th ") == 1
    assert '<th class="field-name" data-label="Name" scope="row">' in shown
    assert 'data-label="Number"' in shown


def test_what_a_row_says_is_never_markup(owner: Client, acme: Isp) -> None:
    add(acme, '<script>alert("1")</script>')
    (shown,) = rows(owner, HOME)
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown


def test_a_box_selects_its_row_and_says_which(owner: Client, acme: Isp) -> None:
    row = add(acme, "Dora Diaz")
    (shown,) = rows(owner, HOME)
    box = re.search(r"<input type=\"checkbox\"[^>]*>", shown)
    assert box is not None
    assert f'name="_selected_action" value="{row.pk}"' in box[0]
    assert "Dora Diaz" in box[0]


def test_a_tag_has_the_tone_of_what_it_says(owner: Client, acme: Isp) -> None:
    add(acme, "Dora Diaz")
    (shown,) = rows(owner, HOME)
    assert re.search(r'<span class="dm-tag[^>]*>Lead</span>', shown)


def test_yes_and_no_are_drawn(owner: Client, acme: Isp) -> None:
    (shown,) = rows(owner, "/admin/accounts/user/")
    assert "dm-yes" in shown


def test_tags_speak_the_language_of_who_looks(owner: Client, acme: Isp) -> None:
    add(acme, "Dora Diaz")
    (english,) = rows(owner, HOME)
    text = owner.get(HOME, headers={"host": acme.workspace_host, "accept-language": "fr"})
    french = re.findall(r'<tr class="dm-row.*?</tr>', text.content.decode(), re.DOTALL)
    assert ">Lead<" in english
    assert ">Prospect<" in french[0]


def test_a_popup_tells_its_opener_which_row_was_taken(owner: Client, acme: Isp) -> None:
    row = add(acme, "Dora Diaz")
    (shown,) = rows(owner, f"{HOME}?_popup=1")
    assert f'data-popup-opener="{row.pk}"' in shown


def test_an_empty_list_says_so(owner: Client) -> None:
    text = owner.get(f"{HOME}?q=nobody").content.decode()
    assert "Show all" in text
    assert 'id="result_list"' not in text
