"""Which columns of a list somebody sees: their own choice, of pages and of exports."""

import re

import pytest
from django.test import Client

from apps.events.actors import SYSTEM
from apps.lists.models import ChosenColumns
from apps.subscribers.services import create_subscriber
from apps.tenancy.kinds import schema_of
from tests.conftest import Isp
from tests.lists.test_lists import BESIDE, HOME, member, table


@pytest.fixture
def alice(acme: Isp, db: None) -> Client:
    """Acme's owner."""
    with schema_of(acme.workspace):
        for name, external_id in (("Dora Diaz", "crm-2"), ("Emil Eze", "crm-1")):
            create_subscriber(name=name, external_id=external_id, actor=SYSTEM)
    return member(acme, "alice@acme.example", is_staff=True, is_superuser=True)


def choose(client: Client, *names: str, **more: str) -> str:
    """The address that choosing leads to."""
    answer = client.post(f"{BESIDE}columns/", {"columns": names, **more})
    assert answer.status_code == 302
    return str(answer["location"])


def heads(client: Client, address: str = HOME) -> list[str]:
    """The headings of the page's table."""
    text = client.get(address).content.decode()
    head = re.search(r"<thead>(.*?)</thead>", text, re.DOTALL)
    assert head is not None
    cells = re.findall(r'<div class="text">(.*?)</div>', head[1], re.DOTALL)
    return [re.sub(r"<[^>]+>", "", cell).strip() for cell in cells][1:]


def labels(client: Client) -> list[str]:
    """What each cell of the first row is called on a phone."""
    row = re.search(r'<tr class="dm-row.*?</tr>', client.get(HOME).content.decode(), re.DOTALL)
    assert row is not None
    return re.findall(r'data-label="([^"]*)"', row[0])


def test_a_list_shows_the_chosen_columns_in_its_own_order(alice: Client) -> None:
    before = heads(alice)
    assert "External reference" not in before
    choose(alice, "external_id", "email", "name")
    assert heads(alice) == ["Name", "E-mail", "External reference"]
    assert labels(alice) == ["Name", "E-mail", "External reference"]
    choose(alice, standard="1")
    assert heads(alice) == before


def test_what_leads_to_the_row_stays(alice: Client) -> None:
    choose(alice)
    assert heads(alice) == ["Name"]
    assert 'name="columns" value="name" checked disabled' in " ".join(
        alice.get(HOME).content.decode().split()
    )


def test_the_export_follows(alice: Client) -> None:
    header, *_rows = table(alice)
    assert "External reference" not in header
    choose(alice, "external_id")
    assert table(alice, "?o=1") == [
        ["Name", "External reference"],
        ["Dora Diaz", "crm-2"],
        ["Emil Eze", "crm-1"],
    ]


def test_filters_stay_and_an_order_means_the_same_column(alice: Client) -> None:
    by_reference = "?o=8"
    assert [row[0] for row in table(alice, by_reference)[1:]] == ["Emil Eze", "Dora Diaz"]
    assert choose(alice, "number", query="o=8&q=a&p=3") == f"{HOME}?o=8&q=a"
    assert [row[0] for row in table(alice, by_reference)[1:]] == ["Emil Eze", "Dora Diaz"]


def test_a_choice_is_one_s_own_and_for_one_list(alice: Client, acme: Isp) -> None:
    anna = member(acme, "anna@acme.example", is_staff=True, is_superuser=True)
    before = heads(anna)
    choose(alice, "number")
    assert heads(anna) == before
    with schema_of(acme.workspace):
        row = ChosenColumns.objects.get()
        assert (row.user.email, row.list) == ("alice@acme.example", "subscribers.subscriber")


def test_what_is_no_column_is_not_kept(alice: Client, acme: Isp) -> None:
    choose(alice, "number", "password", "<script>")
    with schema_of(acme.workspace):
        assert ChosenColumns.objects.get().names == ["number"]


def test_who_may_not_see_the_list_chooses_nothing(acme: Isp, db: None) -> None:
    clerk = member(acme, "carl@acme.example", is_staff=True)
    assert clerk.post(f"{BESIDE}columns/", {"columns": "number"}).status_code == 403
    with schema_of(acme.workspace):
        assert not ChosenColumns.objects.exists()
