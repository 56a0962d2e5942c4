"""What every list of the admin has: views that people keep, and an export."""

import csv
import io
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.core.exceptions import DomainError
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.lists import services
from apps.lists.exporting import text_of
from apps.lists.models import SavedView
from apps.subscribers.services import create_subscriber
from apps.tenancy.kinds import schema_of
from tests.conftest import Isp
from tests.costs import queries_of

HOME = "/admin/subscribers/subscriber/"
BESIDE = "/admin/lists/subscribers/subscriber/"


def member(isp: Isp, email: str, **fields: bool) -> Client:
    """Somebody at an ISP's workspace, signed in."""
    client = Client(headers={"host": isp.workspace_host})
    with schema_of(isp.workspace):
        user = User.objects.create_user(email, **fields)
        client.force_login(user, "allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture
def alice(acme: Isp, db: None) -> Client:
    """Acme's owner."""
    with schema_of(acme.workspace):
        for name in ("Dora Diaz", "Emil Eze", "=Fay()"):
            create_subscriber(name=name, actor=SYSTEM)
    return member(acme, "alice@acme.example", is_staff=True, is_superuser=True)


@pytest.fixture
def rival(acme: Isp, db: None) -> Client:
    """Another owner of Acme."""
    return member(acme, "anna@acme.example", is_staff=True, is_superuser=True)


@pytest.fixture
def clerk(acme: Isp, db: None) -> Client:
    """Staff of Acme who may see no subscribers."""
    return member(acme, "carl@acme.example", is_staff=True)


def keep(client: Client, name: str, query: str) -> Any:
    return client.post(f"{BESIDE}views/", {"name": name, "query": query}, follow=True)


def table(client: Client, query: str = "") -> list[list[str]]:
    answer = client.get(f"{BESIDE}export.csv{query}")
    assert answer["content-type"] == "text/csv"
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))


def test_a_view_is_kept_shown_and_removed(alice: Client, acme: Isp) -> None:
    page = keep(alice, "Leads", "status__exact=lead&p=2")
    assert "“Leads” is kept." in page.content.decode()
    assert page.redirect_chain[-1][0] == f"{HOME}?status__exact=lead"
    assert 'href="?status__exact=lead" class="dm-chip" aria-current="page"' in " ".join(
        page.content.decode().split()
    )
    with schema_of(acme.workspace):
        view = SavedView.objects.get()
    page = alice.post(f"{BESIDE}views/{view.pk}/remove/", follow=True)
    assert "“Leads” is removed." in page.content.decode()
    assert "Leads" not in alice.get(HOME).content.decode()


def test_a_filter_in_force_is_told_and_taken_off(alice: Client) -> None:
    """What is chosen by a link and what is typed; the search stays, the page does not."""

    def chips(path: str) -> list[tuple[str, str, str]]:
        answer = alice.get(path)
        return [(chip.label, chip.value, chip.url) for chip in answer.context["chips"]]

    assert chips(f"{HOME}?q=Dora") == []
    active = ("Status", "Active", "?q=Dora")
    assert chips(f"{HOME}?status__exact=active&q=Dora&p=1") == [active]
    log = "/admin/events/event/"
    assert chips(f"{log}?at_from=2026-11-01&actor_label__icontains=al") == [
        ("At", "2026-11-01", "?actor_label__icontains=al"),
        ("Actor label", "al", "?at_from=2026-11-01"),
    ]


def test_the_same_name_again_replaces_the_view(alice: Client, acme: Isp) -> None:
    keep(alice, "Mine", "status__exact=lead")
    keep(alice, "Mine", "status__exact=active")
    with schema_of(acme.workspace):
        assert SavedView.objects.get().query == "status__exact=active"


def test_views_are_one_s_own(alice: Client, rival: Client, acme: Isp) -> None:
    keep(alice, "Leads", "status__exact=lead")
    assert "Leads" not in rival.get(HOME).content.decode()
    with schema_of(acme.workspace):
        view = SavedView.objects.get()
    assert rival.post(f"{BESIDE}views/{view.pk}/remove/").status_code == 404
    with schema_of(acme.workspace):
        assert SavedView.objects.exists()


@pytest.mark.parametrize(
    ("name", "query", "words"),
    [
        (" ", "q=a", "Give the view a name."),
        ("x" * 61, "q=a", "60 characters at most"),
        ("All", "p=3", "There is nothing to keep"),
        ("Long", f"q={'a' * 1001}", "Choose fewer values"),
    ],
)
def test_what_cannot_be_kept_is_said(alice: Client, name: str, query: str, words: str) -> None:
    assert words in keep(alice, name, query).content.decode()


def test_nobody_keeps_more_than_twenty_views_of_a_list(alice: Client, acme: Isp) -> None:
    with schema_of(acme.workspace):
        user = User.objects.get(email="alice@acme.example")
        for number in range(20):
            services.save_view(user, "subscribers.subscriber", f"View {number}", "q=a")
        with pytest.raises(DomainError, match="Remove one first"):
            services.save_view(user, "subscribers.subscriber", "One more", "q=a")
        services.save_view(user, "subscribers.subscriber", "View 3", "q=b")


def test_the_order_of_parameters_makes_no_other_view() -> None:
    assert services.kept_query("q=a&o=1.-2&p=4") == services.kept_query("o=1.-2&q=a&all=")


def test_an_export_is_what_the_filters_leave(alice: Client, acme: Isp) -> None:
    header, *rows = table(alice)
    assert header[0] == "Name"
    assert len(rows) == 3
    header, *rows = table(alice, "?q=Dora")
    assert [row[0] for row in rows] == ["Dora Diaz"]
    with schema_of(acme.workspace):
        event = Event.objects.filter(type="list.exported").latest("id")
    assert event.data == {"rows": 1, "filters": {"q": ["Dora"]}}


def test_no_spreadsheet_runs_a_cell(alice: Client) -> None:
    assert "'=Fay()" in [row[0] for row in table(alice)]


def test_filters_that_make_no_sense_lead_back_to_the_list(alice: Client) -> None:
    answer = alice.get(f"{BESIDE}export.csv?status__exact__x=1")
    assert (answer.status_code, answer["location"]) == (302, HOME)


def test_an_export_of_many_costs_no_more_queries(alice: Client, acme: Isp) -> None:
    def cost() -> int:
        return queries_of(lambda: alice.get(f"{BESIDE}export.csv"))

    few = cost()
    with schema_of(acme.workspace):
        for number in range(20):
            create_subscriber(name=f"Nr {number}", actor=SYSTEM)
    assert cost() == few


@pytest.mark.parametrize("path", ["export.csv", "views/", "views/1/remove/"])
def test_who_may_not_see_the_list_gets_nothing_of_it(clerk: Client, path: str) -> None:
    method = clerk.get if path.endswith("csv") else clerk.post
    assert method(f"{BESIDE}{path}").status_code == 403


def test_another_isp_s_session_and_a_list_that_is_none(alice: Client, initech: Isp) -> None:
    thief = Client(headers={"host": initech.workspace_host})
    thief.cookies["sessionid"] = alice.cookies["sessionid"].value
    assert thief.get(f"{BESIDE}export.csv").status_code == 302
    assert alice.get("/admin/lists/fleet/server/export.csv").status_code == 404


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "yes"),
        (("active", "Active"), "Active"),
        (["Dora", "dora@example.com", {"path": "x.png"}], "Dora, dora@example.com"),
        ("<b>A &amp; B</b>", "A & B"),
    ],
)
def test_cells_are_plain_text(value: object, text: str) -> None:
    assert text_of(value) == text
