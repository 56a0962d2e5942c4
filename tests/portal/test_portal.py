"""What a subscriber sees at their ISP's portal, and what nobody else does."""

from copy import deepcopy

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.subscribers import services
from apps.subscribers.models import Service, Subscriber
from tests.subscribers.conftest import sign_in

PAGES = ["/", "/services/", "/account/"]


@pytest.mark.parametrize("page", PAGES)
def test_a_stranger_is_asked_to_sign_in(acme, db, page):
    answer = Client(HTTP_HOST=acme.workspace_host).get(page)
    assert answer.status_code == 302
    assert answer["Location"] == f"/accounts/login/?next={page}"


def test_a_subscriber_signs_in_and_sees_the_service(acme, dora):
    browser = Client(HTTP_HOST=acme.workspace_host)
    fields = {"login": "dora@example.com", "password": "a long password"}
    answer = browser.post("/accounts/login/?next=/", fields, follow=True)
    assert "Hello Dora Diaz" in answer.text


def test_the_first_page_says_whether_it_works_and_what_it_is(dora):
    page = dora.browser.get("/").text
    for words in (
        "Acme Fiber",
        "Your service is switched on",
        "Dora Diaz plan",
        "$39.00",
        "a month",
        "100 Mbit/s",
        "50 Mbit/s",
        "1 Dora Diaz Road, Waverly",
    ):
        assert words in page, words


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("nonpayment", "An invoice is unpaid"),
        ("voluntary", "You asked for this"),
        ("abuse", "against our terms"),
        ("admin", "We switched it off"),
    ],
)
def test_a_suspended_service_says_why(acme, in_workspace, dora, reason, words):
    with in_workspace(acme):
        services.suspend_service(dora.service, reason=reason, actor=SYSTEM)
    for page in ("/", "/services/"):
        text = dora.browser.get(page).text
        assert words in text
    assert "Your service is switched off" in dora.browser.get("/").text


def test_a_service_on_its_way_says_so(acme, in_workspace, dora):
    with in_workspace(acme):
        services.terminate_service(dora.service, actor=SYSTEM)
        new = services.add_service(
            dora.subscriber, plan_version=dora.service.plan_version, actor=SYSTEM
        )
        services.schedule_installation(new, actor=SYSTEM)
    assert "on its way" in dora.browser.get("/").text
    page = dora.browser.get("/services/").text
    assert "Waiting for installation" in page
    assert "Terminated" in page


def test_a_draft_is_the_isp_s_own_business(acme, in_workspace, dora):
    with in_workspace(acme):
        Service.objects.filter(pk=dora.service.pk).update(status="draft")
    assert "No service is set up for you yet" in dora.browser.get("/").text
    assert "No service yet" in dora.browser.get("/services/").text


def test_one_customer_never_sees_another_s_rows(dora, emil):
    for page in PAGES:
        text = dora.browser.get(page).text
        assert "Emil" not in text
        assert "$54.00" not in text
        assert "Dora" in text


def test_an_isp_s_customer_is_nobody_at_another_isp(acme, dora, ines):
    browser = Client(HTTP_HOST=acme.workspace_host)
    browser.cookies = deepcopy(ines.browser.cookies)
    for page in PAGES:
        assert browser.get(page).status_code == 302
    assert "Ines" in ines.browser.get("/").text
    assert "Initech Wireless" in ines.browser.get("/").text


@pytest.mark.parametrize("page", PAGES)
def test_a_user_who_is_no_customer_finds_nothing(acme, in_workspace, dora, page):
    with in_workspace(acme):
        visitor = sign_in(acme, User.objects.create_user("visitor@example.com", "x"))
    assert visitor.get(page).status_code == 404
    assert visitor.post(page).status_code == 404


@pytest.mark.parametrize("page", PAGES)
def test_an_archived_subscriber_finds_nothing(acme, in_workspace, dora, page):
    with in_workspace(acme):
        services.terminate_service(dora.service, actor=SYSTEM)
        services.archive_subscriber(dora.subscriber, actor=SYSTEM)
    assert dora.browser.get(page).status_code == 404


def test_staff_are_led_to_the_admin(acme, in_workspace, dora):
    with in_workspace(acme):
        alice = sign_in(acme, User.objects.create_superuser("alice@acme.example", "x"))
    page = alice.get("/")
    assert page.status_code == 200
    assert 'href="/admin/"' in page.text
    assert "Dora" not in page.text
    assert alice.get("/services/").status_code == 404


def test_a_member_of_staff_who_is_a_customer_sees_their_own(acme, in_workspace, dora, emil):
    with in_workspace(acme):
        User.objects.filter(email="dora@example.com").update(is_staff=True, is_superuser=True)
    page = dora.browser.get("/services/").text
    assert "Dora Diaz plan" in page
    assert "Emil Novak plan" not in page


def test_a_subscriber_changes_name_and_telephone_and_no_more(acme, in_workspace, dora):
    fields = {"name": "Dora D.", "phone": "+1 319 555 0100", "email": "x@example.com"}
    page = dora.browser.post("/account/", fields, follow=True).text
    assert "Your details are saved" in page
    with in_workspace(acme):
        person = Subscriber.objects.get()
        assert (person.name, person.phone, person.email) == (
            "Dora D.",
            "+1 319 555 0100",
            "dora@example.com",
        )
        event = Event.objects.get(type="subscriber.updated")
        assert event.actor_label == "dora@example.com"


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"name": ""}, "This field is required"), ({"name": "D", "phone": "call"}, "Digits, blanks")],
)
def test_a_wrong_detail_is_said_at_its_field(acme, in_workspace, dora, fields, words):
    assert words in dora.browser.post("/account/", fields).text
    with in_workspace(acme):
        assert Subscriber.objects.get().name == "Dora Diaz"


@pytest.mark.parametrize("page", PAGES)
def test_pages_hold_no_inline_script_or_style_and_are_not_kept(dora, page):
    answer = dora.browser.get(page)
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert " style=" not in answer.text
    assert "<script>" not in answer.text
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_takes_as_many_queries_for_ten_services_as_for_one(
    acme, in_workspace, dora, page, django_assert_max_num_queries
):
    with in_workspace(acme):
        for _n in range(9):
            services.add_service(
                dora.subscriber, plan_version=dora.service.plan_version, actor=SYSTEM
            )
        Service.objects.update(status="active")
    dora.browser.get(page)
    with django_assert_max_num_queries(9):
        dora.browser.get(page)
