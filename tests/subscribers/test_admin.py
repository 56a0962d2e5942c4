"""What an ISP's staff do with subscribers in the workspace's admin."""

import csv
import io
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.accounts.models import User
from apps.events.actors import SYSTEM
from apps.subscribers import imports, services
from apps.subscribers.models import Service, Subscriber, SubscriberImport
from apps.tenancy.kinds import schema_of
from tests.costs import queries_of

from .conftest import HEADER, rows, sign_in

LIST = "/admin/subscribers/subscriber/"
SERVICES = "/admin/subscribers/service/"
IMPORT = f"{LIST}import/"


@pytest.fixture
def inside(acme):
    """`with inside():` stands in Acme's workspace after a request."""
    return lambda: schema_of(acme.workspace)


@pytest.fixture
def active(service):
    services.activate_service(service, actor=SYSTEM)
    return service


def upload(client, content: bytes, name: str = "list.csv"):
    return client.post(IMPORT, {"file": SimpleUploadedFile(name, content)}, follow=True)


def test_a_subscriber_is_added_with_a_service(staff, workspace, inside):
    fields = {"name": "Emil Novak", "email": "emil@example.com", "plan": workspace.pk}
    place = {"street": "3 Mill Road", "postcode": "50677", "city": "Waverly", "country": "US"}
    answer = staff.post(f"{LIST}add/", {**fields, **place, "username": "emil"}, follow=True)
    assert "Emil Novak" in answer.text
    with inside():
        service = Service.objects.get(username="emil")
        assert service.subscriber.number.startswith("S-")
        assert str(service.address) == "3 Mill Road, 50677 Waverly, US"
        assert service.status == "draft"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": ""}, "This field is required"),
        ({"name": "E", "username": "emil"}, "choose its plan"),
        ({"name": "E", "username": "dora", "plan": "1"}, "belongs to another service"),
        ({"name": "E", "email": "x"}, "valid email"),
        ({"name": "E", "phone": "call me"}, "Digits, blanks"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(staff, service, fields, words, inside):
    assert words in staff.post(f"{LIST}add/", fields).text
    with inside():
        assert Subscriber.objects.count() == 1


def test_a_taken_number_is_said_at_its_field(staff, dora, inside):
    answer = staff.post(f"{LIST}add/", {"name": "E", "number": dora.number})
    assert "already exists" in answer.text


def test_the_list_is_searched_and_shows_plan_and_status(staff, active):
    page = staff.get(LIST, {"q": "dora@ex"}).text
    assert "Dora Diaz" in page
    assert "Fiber 100" in page
    assert "Dora Diaz" not in staff.get(LIST, {"q": "emil"}).text


@pytest.mark.parametrize("url", [LIST, f"{LIST}?q=person", f"{LIST}?services__status=active"])
def test_the_list_takes_as_many_queries_for_fifty_as_for_two(staff, bring, run_due, inside, url):
    counts = []
    for first, count in ((1, 2), (10, 48)):
        with inside():
            imports.import_now(_file(rows(count, start=first)), actor=SYSTEM)
        counts.append(queries_of(lambda: staff.get(url)))
    assert counts[0] == counts[1]


def _file(text: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("list.csv", f"{HEADER}\n{text}\n".encode())


def test_services_are_suspended_after_a_page_that_asks(staff, active, dora, inside):
    chosen = {"action": "suspend", "_selected_action": [dora.pk]}
    page = staff.post(LIST, chosen)
    assert "Suspend 1 service" in page.text
    with inside():
        active.refresh_from_db()
        assert active.status == "active"
    fields = {**chosen, "confirmed": "1", "reason": "nonpayment"}
    assert "1 service suspended" in staff.post(LIST, fields, follow=True).text
    with inside():
        active.refresh_from_db()
        assert (active.status, active.suspension) == ("suspended", "nonpayment")
    chosen = {"action": "resume", "_selected_action": [active.pk], "confirmed": "1"}
    staff.post(SERVICES, chosen)
    with inside():
        active.refresh_from_db()
        assert active.status == "active"


def test_a_list_without_anybody_to_suspend_says_so(staff, service, dora):
    chosen = {"action": "suspend", "_selected_action": [dora.pk]}
    assert "in the status for this" in staff.post(LIST, chosen, follow=True).text


def test_the_page_leads_a_service_through_its_life(staff, service, dora, inside):
    page = f"{LIST}{dora.pk}/change/"
    steps = f"{LIST}{dora.pk}/services/{service.pk}"
    assert "Activate service" in staff.get(page).text
    staff.post(f"{steps}/activate/")
    assert "Suspend service" in staff.get(page).text
    staff.post(f"{steps}/suspend/", {"reason": "voluntary"})
    text = staff.get(page).text
    assert "Resume service" in text
    assert "Asked for by the subscriber" in text
    staff.post(f"{steps}/resume/")
    staff.post(f"{steps}/terminate/")
    assert "Terminate service" not in staff.get(page).text
    with inside():
        service.refresh_from_db()
        assert service.status == "terminated"


def test_what_the_state_forbids_is_said_not_done(staff, service, dora, inside):
    url = f"{LIST}{dora.pk}/services/{service.pk}/resume/"
    assert "is not suspended" in staff.post(url, follow=True).text


def test_details_are_changed_on_the_page(staff, dora, inside):
    fields = {"name": "Dora D.", "email": "d@example.com", "phone": "", "external_id": "E1"}
    staff.post(f"{LIST}{dora.pk}/change/", fields)
    with inside():
        dora.refresh_from_db()
        assert (dora.name, dora.email, dora.external_id) == ("Dora D.", "d@example.com", "E1")


def test_a_further_service_is_added_on_the_page(staff, service, dora, workspace, inside):
    url = f"{LIST}{dora.pk}/services/"
    assert "belongs to another" in staff.post(url, {"plan": workspace.pk, "username": "dora"}).text
    staff.post(url, {"plan": workspace.pk, "username": "dora2", "street": "1 Oak Avenue"})
    with inside():
        assert dora.services.count() == 2
        assert dora.services.get(username="dora2").address.street == "1 Oak Avenue"


def test_a_step_needs_post(staff, service, dora):
    assert staff.get(f"{LIST}{dora.pk}/services/{service.pk}/activate/").status_code == 404
    assert staff.get(f"{LIST}{dora.pk}/do/archive/").status_code == 404


def test_an_invitation_is_sent_from_the_page(staff, dora):
    answer = staff.post(f"{LIST}{dora.pk}/do/invite/", follow=True)
    assert "on its way to dora@example.com" in answer.text


@pytest.mark.parametrize(
    "path",
    [
        LIST,
        f"{LIST}add/",
        IMPORT,
        f"{LIST}export.csv",
        f"{LIST}{{pk}}/change/",
        f"{LIST}{{pk}}/services/",
        f"{LIST}{{pk}}/do/archive/",
    ],
)
def test_staff_without_rights_and_subscribers_see_nothing(acme, dora, path, inside):
    clerk = User.objects.create_user("clerk@acme.example", "secret", is_staff=True)
    visitor = User.objects.create_user("visitor@acme.example", "secret")
    for user in (clerk, visitor):
        with inside():
            client = sign_in(acme, user)
        url = path.format(pk=dora.pk)
        assert client.get(url, follow=True).status_code == 403
        assert client.post(url, follow=True).status_code == 403


def test_the_other_isp_s_staff_get_404(initech, in_workspace, service, dora, bring):
    source = bring(rows(1))
    with in_workspace(initech):
        bob = sign_in(initech, User.objects.create_superuser("bob@initech.example", "secret"))
    for path in (
        f"{LIST}{dora.pk}/services/{service.pk}/activate/",
        f"{LIST}{dora.pk}/do/invite/",
        f"{LIST}{dora.pk}/services/",
        f"{IMPORT}{source.uuid}/",
    ):
        assert bob.post(path).status_code == 404, path
    assert bob.get(f"{IMPORT}{source.uuid}/errors.csv").status_code == 404
    assert "Dora" not in bob.get(LIST).text
    assert b"Dora" not in b"".join(bob.get(f"{LIST}export.csv"))


# Lists


def test_a_thousand_rows_are_checked_on_the_page_and_imported_by_a_button(staff, run_due, inside):
    page = upload(staff, f"{HEADER}\n{rows(1000)}\n".encode())
    assert "Import 1,000 rows" in page.text
    assert "Person 5" in page.text
    assert "Person 6" not in page.text
    url = page.request["PATH_INFO"]
    with inside():
        assert not Subscriber.objects.exists()
    assert "Import list.csv" in staff.post(url, {"mode": "all_or_nothing"}, follow=True).text
    with inside():
        run_due()
    assert "subscribers imported" in staff.get(url).text
    with inside():
        assert Subscriber.objects.count() == 1000


def test_rows_in_error_are_listed_and_come_back_as_a_file(staff, inside):
    bad = "\n".join(f",Person {n},nobody,,,,,,,,," for n in range(60))
    page = upload(staff, f"{HEADER}\n{rows(2)}\n{bad}\n".encode())
    assert len(re.findall("no e-mail address", page.text)) == 50
    assert "The first 50 rows in error are shown" in page.text
    assert "Import 2 rows" in page.text
    answer = staff.get(page.request["PATH_INFO"] + "errors.csv")
    text = b"".join(answer).decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(text)))
    assert len(lines) == 60
    assert lines[0]["row"] == "4"
    assert lines[0]["error"].startswith("email: “nobody” is no e-mail address")


def test_with_rows_in_error_a_person_chooses_what_becomes_of_them(staff, run_due, inside):
    url = upload(staff, f"{HEADER}\n{rows(2)}\n,,,,,,,,,,,E\n".encode()).request["PATH_INFO"]
    refused = staff.post(url, {"mode": "all_or_nothing"}, follow=True)
    assert "1 rows are in error, so nothing was imported" in refused.text
    staff.post(url, {"mode": "skip_errors"})
    with inside():
        run_due()
        assert Subscriber.objects.count() == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04\x00", "an Excel or other zipped file"),
        (b"a;b\n1;2\n", "must name the columns"),
    ],
)
def test_a_file_that_is_no_list_says_so_on_the_page(staff, content, words):
    assert words in upload(staff, content).text


def test_text_in_a_file_is_shown_and_never_run(staff):
    page = upload(staff, b"name,email\n<script>alert(1)</script>,x\n", "<b>.csv")
    assert "<script>alert(1)" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text


def test_a_large_list_is_checked_while_the_person_watches(staff, run_due, inside):
    page = upload(staff, f"{HEADER}\n{rows(2500)}\n".encode())
    assert "Check list.csv" in page.text
    assert 'hx-trigger="every 2s"' in page.text
    with inside():
        run_due()
    text = staff.get(page.request["PATH_INFO"]).text
    assert "Import 2,500 rows" in text
    assert 'hx-trigger="every 2s"' not in text


def test_everyone_is_exported_and_no_cell_is_run(staff, active, dora, inside):
    with inside():
        services.update_subscriber(dora, actor=SYSTEM, name="=1+1", phone="+1 319 555 0100")
    text = b"".join(staff.get(f"{LIST}export.csv")).decode("utf-8-sig")
    (line,) = csv.DictReader(io.StringIO(text))
    assert line["name"] == "'=1+1"
    assert line["phone"] == "'+1 319 555 0100"
    assert (line["plan"], line["username"], line["status"]) == ("Fiber 100", "dora", "active")


def test_the_example_can_be_imported(staff, inside):
    content = b"".join(staff.get(f"{IMPORT}example.csv"))
    page = upload(staff, content)
    assert "Import 1 row" in page.text
    with inside():
        assert SubscriberImport.objects.get().error_rows == 0


def test_the_first_page_counts_and_leads_on(staff, active):
    page = staff.get("/admin/").text
    assert "Active subscribers" in page
    assert "$39.00" in page
    assert "Let a subscriber into the portal" in page
