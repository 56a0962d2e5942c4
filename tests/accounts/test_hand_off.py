"""From the operator's log-in into a console or workspace: once, soon, in the same browser."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import time_machine
from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import create_user
from apps.core import mailbox
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.tenancy.kinds import operator, schema_of
from apps.tenants.models import Membership, Organisation
from apps.tenants.services import create_organisation
from tests.accounts.browser import Browser, person_in, text_of
from tests.accounts.conftest import PASSWORD, application, plan_of

FRONT = f"http://{settings.BASE_DOMAIN}:8000"
CONSOLE_HOST = f"northwind.{settings.BASE_DOMAIN}"
WORKSPACE_HOST = f"northwind.{settings.APPS_DOMAIN}"
CONSOLE = f"http://{CONSOLE_HOST}:8000"
WORKSPACE = f"https://{WORKSPACE_HOST}:8443"


def hand_off_link(browser: Browser, site: str = CONSOLE, wanted: str = "/admin/") -> str:
    """Start at a console or workspace and stop before its link is opened."""
    browser.visit(f"{site}/sso/login/?{urlencode({'next': wanted})}", follow=False)
    browser.visit(browser.page["Location"], follow=False)
    link: str = browser.page["Location"]
    assert link.startswith(f"{site}/sso/enter/?token="), link
    return link


def refused(page: HttpResponse) -> str:
    """The text of the page that signs nobody in; it offers to start again."""
    text = text_of(page)
    assert page.status_code == 403, text
    assert "You are not signed in" in text
    assert '/sso/login/?next=%2Fadmin%2F"' in text
    return text


@pytest.fixture
def alice(northwind: Organisation, browser: Browser) -> Browser:
    """Alice's browser, signed in at the operator and nowhere else."""
    browser.sign_in("alice@example.net", PASSWORD)
    browser.hosts.pop(CONSOLE_HOST, None)
    return browser


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("site", "host", "schema"),
    [(CONSOLE, CONSOLE_HOST, "c_northwind"), (WORKSPACE, WORKSPACE_HOST, "w_northwind")],
)
def test_a_member_is_signed_in(alice: Browser, site: str, host: str, schema: str) -> None:
    alice.visit(f"{site}/sso/login/?next=/admin/apps/", follow=False)
    cookie = next(iter(alice.page.cookies.values()))
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert not cookie["domain"]
    assert bool(cookie["secure"]) == (site == WORKSPACE)
    alice.visit(alice.page["Location"], follow=False)
    entered = alice.visit(alice.page["Location"], follow=False)
    assert entered["Location"] == "/admin/apps/"
    assert person_in(alice, host, schema) == "alice@example.net"
    with schema_of(schema):
        event = Event.objects.filter(type="user.signed_in").latest("id")
        assert event.data == {"by": "hand-off", "methods": ["pwd"], "ip": "127.0.0.1"}


@pytest.mark.django_db
def test_a_link_works_once(alice: Browser) -> None:
    link = hand_off_link(alice)
    assert alice.visit(link, follow=False).status_code == 302
    assert "was used already" in refused(alice.visit(link))


@pytest.mark.django_db
def test_a_used_link_stays_used_in_a_browser_that_still_has_the_cookie(alice: Browser) -> None:
    link = hand_off_link(alice)
    cookies = alice.client(CONSOLE_HOST).cookies.copy()
    alice.visit(link, follow=False)
    alice.client(CONSOLE_HOST).cookies = cookies
    assert "was used already" in refused(alice.visit(link))


@pytest.mark.django_db
def test_another_browser_cannot_use_a_link(alice: Browser, other_browser: Browser) -> None:
    link = hand_off_link(alice)
    assert "another browser" in refused(other_browser.visit(link))
    other_browser.visit(f"{CONSOLE}/sso/login/", follow=False)
    assert "another browser" in refused(other_browser.visit(link))
    assert person_in(other_browser, CONSOLE_HOST, "c_northwind") == ""
    assert alice.visit(link, follow=False).status_code == 302


@pytest.mark.django_db
def test_another_user_s_link_does_not_sign_a_member_in_as_them(
    alice: Browser, other_browser: Browser, northwind: Organisation, person: Callable[[str], User]
) -> None:
    mallory = person("mallory")
    Membership.objects.create(organisation=northwind, user=mallory.uuid, role="member")
    other_browser.sign_in("mallory@example.net", PASSWORD)
    link = hand_off_link(other_browser)
    alice.visit(f"{CONSOLE}/sso/login/", follow=False)
    assert "another browser" in refused(alice.visit(link))
    assert person_in(alice, CONSOLE_HOST, "c_northwind") == ""


@pytest.mark.django_db
def test_a_late_link_is_refused(alice: Browser) -> None:
    link = hand_off_link(alice)
    with time_machine.travel(timezone.now() + timedelta(seconds=66), tick=False):
        assert "more than a minute old" in refused(alice.visit(link))
    link = hand_off_link(alice)
    with time_machine.travel(timezone.now() + timedelta(seconds=55), tick=False):
        assert alice.visit(link, follow=False).status_code == 302


@pytest.mark.django_db
def test_a_link_for_another_host_is_refused(alice: Browser) -> None:
    link = hand_off_link(alice)
    for site in (WORKSPACE, "http://acme.dotmac.localhost:8000"):
        moved = f"{site}/sso/enter/?{urlsplit(link).query}"
        assert "made for another address" in refused(alice.visit(moved))
    with schema_of("c_acme"):
        assert not User.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c", "\x00", "é"])
def test_no_token_or_nonsense_is_refused(alice: Browser, token: str) -> None:
    refused(alice.visit(f"{CONSOLE}/sso/enter/?{urlencode({'token': token})}"))


@pytest.mark.django_db
def test_an_altered_link_is_refused(alice: Browser) -> None:
    token = parse_qs(urlsplit(hand_off_link(alice)).query)["token"][0]
    for place in (5, len(token) // 2, len(token) - 20):
        other = "A" if token[place] != "A" else "B"
        altered = f"{token[:place]}{other}{token[place + 1 :]}"
        text = refused(alice.visit(f"{CONSOLE}/sso/enter/?token={altered}"))
        assert "was changed on its way" in text


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example/",
        "https://evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/a\r\nSet-Cookie: x=y",
        "/\t/evil.example",
        "evil.example",
        "/" + "a" * 3000,
    ],
)
def test_next_never_leads_to_another_host(alice: Browser, wanted: str) -> None:
    page = alice.visit(hand_off_link(alice, wanted=wanted), follow=False)
    assert page["Location"] == "/admin/"
    query = urlencode({"host": CONSOLE_HOST, "state": "0" * 64, "next": wanted})
    link = alice.visit(f"{FRONT}/sso/authorize/?{query}", follow=False)["Location"]
    assert urlsplit(link).netloc == f"{CONSOLE_HOST}:8000"


@pytest.mark.django_db
def test_a_path_with_a_query_is_kept(alice: Browser) -> None:
    page = alice.visit(hand_off_link(alice, wanted="/admin/?q=fiber é"), follow=False)
    assert page["Location"] == "/admin/?q=fiber%20%C3%A9"


@pytest.mark.django_db
def test_two_tabs_sign_in_beside_each_other(alice: Browser) -> None:
    first, second = hand_off_link(alice), hand_off_link(alice)
    assert alice.visit(first, follow=False).status_code == 302
    assert alice.visit(second, follow=False).status_code == 302


@pytest.mark.django_db
def test_who_is_not_signed_in_logs_in_on_the_way(northwind: Organisation, browser: Browser) -> None:
    browser.visit(f"{CONSOLE}/admin/")
    assert browser.address.startswith(f"{FRONT}/accounts/login/?next=/sso/authorize/")
    login = browser.address
    browser.submit(login, {"login": "alice@example.net", "password": PASSWORD}, follow=False)
    browser.visit(browser.page["Location"], follow=False)
    browser.visit(browser.page["Location"], follow=False)
    assert browser.page["Location"] == "/admin/"
    assert person_in(browser, CONSOLE_HOST, "c_northwind") == "alice@example.net"


@pytest.mark.django_db
@pytest.mark.parametrize("site", [CONSOLE, WORKSPACE])
def test_an_outsider_finds_nothing(
    northwind: Organisation, other_browser: Browser, person: Callable[[str], User], site: str
) -> None:
    bob = person("bob")
    create_organisation(application("bobnet"), plan_of("starter"), owner=bob, actor=SYSTEM)
    other_browser.sign_in("bob@example.net", PASSWORD)
    page = other_browser.visit(f"{site}/sso/login/")
    assert page.status_code == 404
    assert "no page at this address" in text_of(page)
    unknown = f"{FRONT}/sso/authorize/?host=nobody.{settings.BASE_DOMAIN}&state={'0' * 64}"
    assert other_browser.visit(unknown).status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["", "0" * 63, "g" * 64, "0" * 64 + "\n"])
def test_without_a_proper_state_there_is_no_hand_off(alice: Browser, state: str) -> None:
    query = urlencode({"host": CONSOLE_HOST, "state": state})
    assert alice.visit(f"{FRONT}/sso/authorize/?{query}", follow=False).status_code == 404


@pytest.mark.django_db
def test_an_unconfirmed_address_is_not_handed_over(
    northwind: Organisation, browser: Browser
) -> None:
    with operator():
        carol = create_user(email="carol@example.net", password=PASSWORD, actor=SYSTEM)
        Membership.objects.create(organisation=northwind, user=carol.uuid, role="member")
        browser.client(settings.BASE_DOMAIN).force_login(
            carol, backend=settings.AUTHENTICATION_BACKENDS[0]
        )
    browser.visit(f"{CONSOLE}/sso/login/")
    assert browser.address == f"{FRONT}/signup/verify/"


@pytest.mark.django_db
def test_a_member_is_staff_but_not_above_all(
    northwind: Organisation, browser: Browser, person: Callable[[str], User]
) -> None:
    dora = person("dora")
    Membership.objects.create(organisation=northwind, user=dora.uuid, role="member")
    browser.sign_in("dora@example.net", PASSWORD)
    browser.visit(hand_off_link(browser), follow=False)
    with schema_of("c_northwind"):
        row = User.objects.get(identity=dora.uuid)
        assert (row.is_staff, row.is_superuser) == (True, False)
        assert (row.email, row.name) == ("dora@example.net", "Dora")


@pytest.mark.django_db
def test_who_was_switched_off_in_the_console_stays_out(alice: Browser) -> None:
    with schema_of("c_northwind"):
        User.objects.update(is_active=False)
    page = alice.visit(hand_off_link(alice))
    assert page.status_code == 403
    assert "switched off here" in text_of(page)


@pytest.mark.django_db
def test_a_workspace_row_of_the_same_address_loses_the_password_that_others_know(
    northwind: Organisation, browser: Browser, person: Callable[[str], User]
) -> None:
    dora = person("dora")
    with schema_of("w_northwind"):
        create_user(email="dora@example.net", password="set by an employee", actor=SYSTEM)
    Membership.objects.create(organisation=northwind, user=dora.uuid, role="owner")
    browser.sign_in("dora@example.net", PASSWORD)
    browser.visit(hand_off_link(browser, WORKSPACE), follow=False)
    with schema_of("w_northwind"):
        row = User.objects.get(email="dora@example.net")
        assert row.identity == dora.uuid
        assert not row.has_usable_password()


@pytest.mark.django_db
def test_a_new_address_at_the_operator_arrives_with_the_next_entry(alice: Browser) -> None:
    with operator():
        user = User.objects.get(email="alice@example.net")
        user.email = "alice@new.example"
        user.save()
        user.emailaddress_set.update(email="alice@new.example")
    alice.visit(hand_off_link(alice), follow=False)
    with schema_of("c_northwind"):
        assert User.objects.get().email == "alice@new.example"


@pytest.mark.django_db
def test_signing_out_of_a_console_leads_to_the_front(alice: Browser) -> None:
    alice.visit(hand_off_link(alice), follow=False)
    page = alice.submit(f"{CONSOLE}/accounts/logout/", follow=False)
    assert page["Location"] == f"{FRONT}/"
    assert person_in(alice, CONSOLE_HOST, "c_northwind") == ""


@pytest.mark.django_db
def test_a_workspace_has_a_log_in_of_its_own_and_a_way_for_staff(
    northwind: Organisation, browser: Browser
) -> None:
    with schema_of("w_northwind"):
        create_user(email="tech@example.net", password=PASSWORD, is_verified=True, actor=SYSTEM)
    page = text_of(browser.visit(f"{WORKSPACE}/accounts/login/"))
    assert "Sign in as staff with DotMac" in page
    assert "/sso/login/?next=" in page
    assert "Start trial" not in page
    login = {"login": "tech@example.net", "password": PASSWORD}
    browser.submit(f"{WORKSPACE}/accounts/login/", login, follow=False)
    assert browser.page["Location"] == "/"
    assert person_in(browser, WORKSPACE_HOST, "w_northwind") == "tech@example.net"
    refused_page = browser.visit(f"{WORKSPACE}/admin/")
    assert refused_page.status_code == 403
    assert "tech@example.net may not see this page" in text_of(refused_page)


@pytest.mark.django_db
def test_the_same_password_does_not_work_in_another_schema(
    northwind: Organisation, browser: Browser
) -> None:
    login = {"login": "alice@example.net", "password": PASSWORD}
    page = browser.submit(f"{WORKSPACE}/accounts/login/", login)
    assert "are not correct" in text_of(page)
    assert person_in(browser, WORKSPACE_HOST, "w_northwind") == ""


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("site", "sent_as"), [(FRONT, FRONT), (f"http://{WORKSPACE_HOST}:6666", WORKSPACE)]
)
def test_a_new_password_comes_by_mail_with_the_address_that_people_reach(
    northwind: Organisation, browser: Browser, site: str, sent_as: str
) -> None:
    schema = "public" if site == FRONT else "w_northwind"
    if schema == "w_northwind":
        with schema_of(schema):
            create_user(email="alice@home.example", is_verified=True, actor=SYSTEM)
    email = "alice@example.net" if site == FRONT else "alice@home.example"
    browser.submit(f"{site}/accounts/password/reset/", {"email": email})
    assert "If an account has this address" in text_of(browser.page)
    mail = mailbox.messages()[0]["text"]
    link = next(word for word in mail.split() if "/password/reset/key/" in word)
    assert link.startswith(f"{sent_as}/accounts/")
    browser.visit(link)
    password = "a winter of my own choice"
    browser.submit(browser.address, {"password1": password, "password2": password})
    with schema_of(schema):
        assert User.objects.get(email=email).check_password(password)
