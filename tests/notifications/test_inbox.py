"""A person's inbox: what is in it, who sees it, and what they choose."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.notifications.models import Delivery, Notification, Preference
from apps.notifications.registry import rendered
from apps.notifications.services import notify
from apps.tenancy.kinds import schema_of
from tests.accounts.browser import text_of
from tests.conftest import Isp
from tests.costs import queries_of
from tests.notifications.conftest import TEST, browser_of, person
from tests.pages.conftest import browser

Tell = Callable[..., Notification]
INBOX, SETTINGS, READ = "/notifications/", "/notifications/settings/", "/notifications/read/"


def test_what_somebody_is_told_is_in_the_inbox_and_counted_in_the_head(
    tell: Tell, hers: Client
) -> None:
    assert "dm-bell__count" not in hers.get("/admin/").content.decode()
    tell("Rain")
    tell("Hail")
    for path in ("/admin/", "/admin/accounts/user/", INBOX, "/accounts/security/"):
        assert "Notifications: 2 unread" in text_of(hers.get(path)), path
    page = text_of(hers.get(INBOX))
    assert page.index("Hail happened") < page.index("Rain happened")
    assert "Because of clouds." in page


def test_nobody_is_told_the_same_twice(tell: Tell, acme: Isp) -> None:
    tell("Rain", key="once")
    tell("Rain again", key="once")
    with schema_of(acme.console):
        assert Notification.objects.count() == 1
        assert Delivery.objects.count() == 1


def test_opening_one_marks_it_read_and_leads_to_what_it_tells_of(tell: Tell, hers: Client) -> None:
    one = tell("Rain", url="/admin/events/event/")
    answer = hers.get(f"{INBOX}{one.uuid}/")
    assert answer["Location"] == "/admin/events/event/"
    assert "Notifications: 0 unread" in text_of(hers.get(INBOX))


@pytest.mark.parametrize("url", ["", "//evil.example/", "https://evil.example/", "/\\evil.example"])
def test_it_leads_nowhere_else(tell: Tell, hers: Client, url: str) -> None:
    one = tell("Rain", url=url)
    assert hers.get(f"{INBOX}{one.uuid}/")["Location"] == INBOX


def test_all_are_read_at_once(tell: Tell, hers: Client) -> None:
    tell("Rain")
    tell("Hail")
    assert "2 are read now" in text_of(hers.post(READ, follow=True))
    assert "Notifications: 0 unread" in text_of(hers.get(INBOX))


def test_nobody_sees_or_reads_somebody_else_s(
    tell: Tell, acme: Isp, his: Client, hers: Client
) -> None:
    one = tell("Rain")
    carol = person(acme.console, "carol", is_superuser=True)
    colleague = browser_of(carol, acme.console_host, acme.console)
    for stranger in (colleague, his):
        assert stranger.get(f"{INBOX}{one.uuid}/").status_code == 404
        assert "Rain" not in text_of(stranger.get(INBOX))
        stranger.post(READ)
    nobody = browser(acme.console_host)
    for path in (INBOX, SETTINGS, f"{INBOX}{one.uuid}/", f"{INBOX}bell/"):
        assert nobody.get(path).status_code == 302, path
    assert nobody.post(READ).status_code == 302
    assert "Notifications: 1 unread" in text_of(hers.get(INBOX))


def test_the_bell_alone_is_what_the_page_fetches_at_news(tell: Tell, hers: Client) -> None:
    tell("Rain")
    assert "Notifications: 1 unread" in text_of(hers.get(f"{INBOX}bell/"))


def test_each_chooses_by_which_ways_to_be_told(tell: Tell, hers: Client, acme: Isp) -> None:
    page = text_of(hers.get(SETTINGS))
    assert "Something of the tests happens" in page
    hers.post(SETTINGS, {"test.happened:inbox": "on"})
    tell("Rain")
    with schema_of(acme.console):
        assert not Delivery.objects.exists()
        assert not Preference.objects.get(kind="test.happened").is_on
    hers.post(SETTINGS, {"test.happened:email": "on"})
    tell("Hail")
    assert "Hail" not in text_of(hers.get(INBOX))
    with schema_of(acme.console):
        assert Delivery.objects.get().address == "alice@example.net"
    hers.post(SETTINGS, {})
    with schema_of(acme.console):
        told = notify(TEST, [User.objects.get(email="alice@example.net")], key="x", data={})
    assert told == 0


def test_what_is_left_as_it_was_follows_a_later_release(hers: Client, acme: Isp) -> None:
    said = {"test.happened:inbox": "on", "test.happened:email": "on"}
    hers.post(SETTINGS, {**said, "nonsense:email": "on", "account.new_browser:email": "on"})
    with schema_of(acme.console):
        assert not Preference.objects.filter(kind__in=["test.happened", "nonsense"]).exists()
        assert not Preference.objects.filter(channel="email", is_on=True).exists()


def test_customers_are_asked_only_about_what_concerns_them(acme: Isp, db: None) -> None:
    dora = person(acme.workspace, "dora", is_staff=False)
    page = text_of(browser_of(dora, acme.workspace_host, acme.workspace).get(SETTINGS))
    assert "from a new browser" in page
    assert "An import" not in page
    sam = person(acme.workspace, "sam")
    page = text_of(browser_of(sam, acme.workspace_host, acme.workspace).get(SETTINGS))
    assert "An import that you started is finished" in page
    assert "A deployment failed" not in page


def test_somebody_switched_off_is_told_nothing(acme: Isp, alice: User) -> None:
    alice.is_active = False
    with schema_of(acme.console):
        assert notify(TEST, [alice], key="x", data={}) == 0


def test_data_of_another_release_breaks_no_page(acme: Isp, alice: User, hers: Client) -> None:
    with schema_of(acme.console):
        Notification.objects.create(user=alice, kind="test.happened", key="1", data={})
        Notification.objects.create(user=alice, kind="gone", key="1", data={})
    page = text_of(hers.get(INBOX))
    assert "happened" in page
    assert "Something happened" in page
    assert rendered("%(a)s and %(b)s", {"a": 1}) == "1 and "


def test_the_pages_cost_the_same_however_much_there_is(tell: Tell, hers: Client) -> None:
    def cost(path: str) -> int:
        return queries_of(lambda: hers.get(path))

    tell("Rain")
    paths = (INBOX, SETTINGS, "/admin/", "/admin/notifications/delivery/")
    few = {path: cost(path) for path in paths}
    for n in range(40):
        tell(f"Drop {n}")
    assert {path: cost(path) for path in paths} == few
    assert "Older" in text_of(hers.get(INBOX))
    assert "Rain happened" in text_of(hers.get(f"{INBOX}?page=2"))
