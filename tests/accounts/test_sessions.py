"""Where people are signed in: the list, ending one or all others, and what ends them by itself."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.utils import timezone

from apps.accounts import services
from apps.accounts.security.models import KnownBrowser
from apps.core import mailbox
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.tenancy.kinds import schema_of
from apps.tenants.models import Organisation
from tests.accounts.browser import Browser, text_of
from tests.accounts.conftest import PASSWORD
from tests.accounts.people import ACME, FRONT, SCHEMAS, enter, is_in, somebody

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]
SITES = pytest.mark.parametrize("site", [FRONT, ACME])
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
    " Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)


def use(browser: Browser, site: str, agent: str, address: str = "") -> None:
    """Give a browser a name, and an address."""
    host = urlsplit(site).hostname or ""
    browser.client(host).defaults["HTTP_USER_AGENT"] = agent
    if address:
        browser.client(host).defaults["REMOTE_ADDR"] = address


def test_the_list_names_browsers_and_marks_this_one(
    browser: Browser, other_browser: Browser
) -> None:
    somebody(FRONT, "alice")
    use(browser, FRONT, FIREFOX)
    use(other_browser, FRONT, SAFARI, "203.0.113.7")
    enter(browser, FRONT, "alice@example.net")
    enter(other_browser, FRONT, "alice@example.net")
    page = text_of(browser.visit(f"{FRONT}/accounts/security/"))
    assert "Firefox on Linux" in page
    assert "Safari on iPhone" in page
    assert "203.0.113.7" in page
    assert page.index("This one") < page.index("Safari on iPhone")
    assert page.count("This one") == 1


@SITES
def test_one_session_is_ended_from_another(
    browser: Browser, other_browser: Browser, site: str
) -> None:
    somebody(site, "alice")
    enter(browser, site, "alice@example.net")
    enter(other_browser, site, "alice@example.net")
    with schema_of(SCHEMAS[site]):
        other = UserSession.objects.latest("pk")
    browser.submit(f"{site}/accounts/security/sessions/{other.pk}/end/")
    assert not is_in(other_browser, site)
    assert is_in(browser, site)
    with schema_of(SCHEMAS[site]):
        assert Event.objects.filter(type="user.session_revoked").count() == 1


def test_all_others_are_ended_at_once(browser: Browser, other_browser: Browser) -> None:
    somebody(FRONT, "alice")
    third = Browser()
    for one in (browser, other_browser, third):
        enter(one, FRONT, "alice@example.net")
    page = browser.submit(f"{FRONT}/accounts/security/sessions/end-others/")
    assert "2 sessions are ended" in text_of(page)
    assert [is_in(one, FRONT) for one in (browser, other_browser, third)] == [True, False, False]


def test_nobody_ends_the_session_of_another(browser: Browser, other_browser: Browser) -> None:
    for site in (FRONT, ACME):
        somebody(site, "alice")
        somebody(site, "bob")
    enter(browser, FRONT, "alice@example.net")
    with schema_of("public"):
        session = UserSession.objects.get()
    for site in (FRONT, ACME):
        enter(other_browser, site, "bob@example.net")
        address = f"{site}/accounts/security/sessions/{session.pk}/end/"
        if site == FRONT:
            assert other_browser.submit(address).status_code == 404
        other_browser.submit(f"{site}/accounts/security/sessions/end-others/")
    assert is_in(browser, FRONT)


@SITES
def test_a_new_password_ends_every_other_session(
    browser: Browser, other_browser: Browser, site: str
) -> None:
    somebody(site, "alice")
    enter(browser, site, "alice@example.net")
    enter(other_browser, site, "alice@example.net")
    form = {"oldpassword": PASSWORD, "password1": "another winter", "password2": "another winter"}
    browser.submit(f"{site}/accounts/password/change/", form)
    assert is_in(browser, site)
    assert not is_in(other_browser, site)
    assert mailbox.messages()[0]["subject"] == "Your password was changed"
    with schema_of(SCHEMAS[site]):
        changed = Event.objects.get(type="user.password_changed")
        assert changed.data["by"] == "change"
        assert "winter" not in str(list(Event.objects.values()))


def test_a_reset_ends_all_sessions(browser: Browser, other_browser: Browser) -> None:
    somebody(FRONT, "alice")
    enter(other_browser, FRONT, "alice@example.net")
    browser.submit(f"{FRONT}/accounts/password/reset/", {"email": "alice@example.net"})
    link = next(w for w in mailbox.messages()[0]["text"].split() if "/reset/key/" in w)
    browser.visit(link)
    new = "a summer in Lapland"
    browser.submit(browser.address, {"password1": new, "password2": new})
    assert not is_in(other_browser, FRONT)
    assert not is_in(browser, FRONT)
    with schema_of("public"):
        assert Event.objects.get(type="user.password_changed").data["by"] == "reset"
        assert not UserSession.objects.exists()


def test_who_is_switched_off_is_out_at_once(browser: Browser) -> None:
    alice = somebody(FRONT, "alice")
    enter(browser, FRONT, "alice@example.net")
    with schema_of("public"):
        services.deactivate_user(alice, actor=SYSTEM)
    assert not is_in(browser, FRONT)


def test_last_seen_is_written_every_few_minutes_only(browser: Browser) -> None:
    somebody(FRONT, "alice")
    enter(browser, FRONT, "alice@example.net")
    start = timezone.now()

    def seen_after(seconds: int) -> float:
        with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
            assert is_in(browser, FRONT)
            with schema_of("public"):
                return (UserSession.objects.get().last_seen_at - start).total_seconds()

    assert seen_after(10) == pytest.approx(10, abs=0.1)
    assert seen_after(60) == pytest.approx(10, abs=0.1)
    assert seen_after(320) == pytest.approx(320, abs=0.1)


def test_who_came_by_hand_off_sees_their_sessions_in_the_console(
    northwind: Organisation, browser: Browser, other_browser: Browser
) -> None:
    console = "http://northwind.dotmac.localhost:8000"
    for one in (browser, other_browser):
        one.sign_in("alice@example.net", PASSWORD)
        one.visit(f"{console}/admin/")
    page = text_of(browser.visit(f"{console}/accounts/security/"))
    assert "Open your security at DotMac" in page
    assert "http://dotmac.localhost:8000/accounts/security/" in page
    assert "Change password" not in page
    browser.submit(f"{console}/accounts/security/sessions/end-others/")
    other_browser.visit(f"{console}/accounts/security/", follow=False)
    assert other_browser.page.status_code == 302


def alerts() -> list[dict[str, str]]:
    return [mail for mail in mailbox.messages() if mail["subject"].startswith("New sign-in")]


def test_a_mail_tells_of_a_browser_and_network_not_seen_before(browser: Browser) -> None:
    somebody(FRONT, "alice")
    use(browser, FRONT, FIREFOX, "198.51.100.20")
    enter(browser, FRONT, "alice@example.net")
    # The first browser of a person is no news, nor is the same one at the next house number.
    enter_again = Browser()
    use(enter_again, FRONT, FIREFOX.replace("141.0", "142.0"), "198.51.100.99")
    enter(enter_again, FRONT, "alice@example.net")
    assert alerts() == []
    for agent, address in ((SAFARI, "198.51.100.20"), (FIREFOX, "192.0.2.1")):
        strange = Browser()
        use(strange, FRONT, agent, address)
        enter(strange, FRONT, "alice@example.net")
    assert len(alerts()) == 2
    assert "Firefox on Linux" in alerts()[0]["text"]
    assert "192.0.2.1" in alerts()[0]["text"]
    with schema_of("public"):
        kept = str(list(KnownBrowser.objects.values()))
    assert "192.0.2" not in kept
    assert "Firefox" not in kept


def test_the_mail_s_link_ends_that_session_and_no_other(
    browser: Browser, other_browser: Browser
) -> None:
    somebody(FRONT, "alice")
    use(browser, FRONT, FIREFOX)
    use(other_browser, FRONT, SAFARI, "192.0.2.1")
    enter(browser, FRONT, "alice@example.net")
    enter(other_browser, FRONT, "alice@example.net")
    link = next(w for w in alerts()[0]["text"].split() if "/security/end/" in w)
    reader = Browser()
    # Opening it, as a mail scanner does, ends nothing.
    assert "Was it not you?" in text_of(reader.visit(link))
    assert is_in(other_browser, FRONT)
    assert "Choose new password" in text_of(reader.submit(link))
    assert not is_in(other_browser, FRONT)
    assert is_in(browser, FRONT)
    assert "There is nothing to end" in text_of(reader.visit(link))


def test_a_link_of_a_mail_is_good_in_its_schema_and_for_seven_days(
    browser: Browser, other_browser: Browser
) -> None:
    somebody(FRONT, "alice")
    somebody(ACME, "bob")
    enter(browser, ACME, "bob@example.net")
    use(other_browser, FRONT, SAFARI, "192.0.2.1")
    enter(Browser(), FRONT, "alice@example.net")
    enter(other_browser, FRONT, "alice@example.net")
    found = re.search(r"/accounts/security/end/[^/]+/", alerts()[0]["text"])
    assert found
    for address in (f"{ACME}{found[0]}", f"{FRONT}{found[0][:-2]}x/"):
        assert "There is nothing to end" in text_of(Browser().submit(address))
    with time_machine.travel(timezone.now() + timedelta(days=8), tick=True):
        assert "There is nothing to end" in text_of(Browser().submit(f"{FRONT}{found[0]}"))
    assert is_in(browser, ACME)
    assert is_in(other_browser, FRONT)


def test_a_failed_sign_in_is_recorded_without_what_was_typed(browser: Browser) -> None:
    somebody(FRONT, "alice")
    login = f"{FRONT}/accounts/login/"
    browser.submit(login, {"login": "alice@example.net", "password": "hunter2 hunter2"})
    browser.submit(login, {"login": "a.secret@typed.wrongly", "password": "x"})
    with schema_of("public"):
        failed = Event.objects.get(type="user.sign_in_failed")
        assert failed.data == {"by": "pwd", "ip": "127.0.0.1"}
        assert failed.subject_label == "Alice"
        said = str(list(Event.objects.values()))
    assert "hunter2" not in said
    assert "secret" not in said
    enter(browser, FRONT, "alice@example.net")
    assert "Refused" in text_of(browser.visit(f"{FRONT}/accounts/security/"))
