"""A level's brand: who sets it, where it shows, and that nobody else's does."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import SignInPolicy, User
from apps.branding.looks import OUR_PRIMARY, look_in_force
from apps.branding.models import Brand, Picture
from apps.events.models import Event
from apps.tenancy.kinds import schema_of
from tests.accounts.browser import text_of
from tests.branding.conftest import PAGE
from tests.branding.test_pictures import SVG, png
from tests.conftest import Isp
from tests.pages.conftest import OPERATOR_HOST, browser, signed_in

SIGN_IN = "/accounts/login/"


def save(client: Client, **changes: Any) -> HttpResponse:
    """Send the form with everything that is asked for."""
    said = {"name": "Acme", "primary": "#cc3300", "version": 0, **changes}
    return client.post(PAGE, said)


@pytest.fixture(autouse=True)
def _commits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.db.transaction.on_commit", lambda run, **_how: run())


def sheet_of(page: HttpResponse) -> str:
    """The address of a page's brand colours, or nothing."""
    text = page.content.decode()
    return next((part for part in text.split('"') if part.endswith("/colours.css")), "")


def test_an_owner_gives_the_workspace_a_brand_which_everybody_sees(
    alice: Client, acme: Isp
) -> None:
    assert (
        save(alice, footer="Acme Ltd, Reg. 12", support_email="help@acme.example").status_code
        == 302
    )
    page = browser(acme.workspace_host).get(SIGN_IN)
    for said in ("Sign in to Acme", "Acme Ltd, Reg. 12"):
        assert said in text_of(page)
    sheet = browser(acme.workspace_host).get(sheet_of(page))
    assert sheet["Content-Type"] == "text/css"
    assert "immutable" in sheet["Cache-Control"]
    assert "--brand-fill:#cc3300" in sheet.content.decode()
    with schema_of(acme.workspace):
        event = Event.objects.get(type="brand.changed")
    assert event.actor_label == "alice@acme.example"
    assert sorted(event.data["changed"]) == ["footer", "name", "primary", "support_email"]
    assert event.data["changed"]["name"] == {"before": "", "after": "Acme"}


def test_another_level_and_another_isp_keep_theirs(
    alice: Client, alice_in_console: Client, acme: Isp, initech: Isp
) -> None:
    before = browser(initech.workspace_host).get(SIGN_IN).content
    save(alice)
    save(alice_in_console, name="Acme console", primary="#117711")
    for host in (initech.workspace_host, OPERATOR_HOST):
        page = browser(host).get(SIGN_IN)
        assert sheet_of(page) == ""
        assert "Acme" not in text_of(page)
    strip = lambda page: page.split(b"csrfmiddlewaretoken")[0]  # noqa: E731
    after = browser(initech.workspace_host).get(SIGN_IN).content
    assert strip(after).split(b"hx-headers")[0] == strip(before).split(b"hx-headers")[0]
    admin = text_of(alice_in_console.get("/admin/"))
    assert "Acme console" in admin
    assert sheet_of(alice.get("/admin/")) != sheet_of(alice_in_console.get("/admin/")) != ""


def test_a_logo_is_served_by_its_own_host_alone_and_runs_nothing(
    alice: Client, acme: Isp, initech: Isp
) -> None:
    drawing = SVG % b'<path d="M1 1h9"/><script>steal()</script>'
    save(alice, logo=SimpleUploadedFile("logo.svg", drawing, "image/svg+xml"))
    with schema_of(acme.workspace):
        address = look_in_force().logo.url
    assert address in browser(acme.workspace_host).get(SIGN_IN).content.decode()
    answer = browser(acme.workspace_host).get(address)
    assert answer["Content-Type"] == "image/svg+xml"
    assert answer["Content-Security-Policy"].startswith("default-src 'none'")
    assert "sandbox" in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert b"steal" not in answer.content
    for host in (initech.workspace_host, acme.console_host, OPERATOR_HOST):
        assert browser(host).get(address).status_code == 404


def test_a_logo_comes_is_replaced_and_goes(alice: Client, acme: Isp) -> None:
    save(alice, logo=SimpleUploadedFile("a.png", png(40, 40)))
    first = alice.get(PAGE).context["saved"].logo
    save(alice, version=1, logo=SimpleUploadedFile("b.png", png(300, 40)))
    assert alice.get(PAGE).context["saved"].logo.is_wide
    # Mails that were sent still show the one of before.
    assert alice.get(first.url).status_code == 200
    save(alice, version=2, remove_logo="on")
    assert alice.get(PAGE).context["saved"].logo is None
    with schema_of(acme.workspace):
        assert Picture.objects.count() == 2


def test_a_wrong_file_is_said_at_its_field_and_changes_nothing(alice: Client, acme: Isp) -> None:
    page = save(alice, logo=SimpleUploadedFile("logo.png", b"GIF89a", "image/png"))
    assert page.status_code == 200
    assert "neither a PNG nor an SVG" in text_of(page)
    with schema_of(acme.workspace):
        assert not Brand.objects.exists()


@pytest.mark.parametrize("wrong", ["", "red", "#12", "#123456;}body{display:none"])
def test_a_colour_that_is_none_is_refused(alice: Client, acme: Isp, wrong: str) -> None:
    assert save(alice, primary=wrong).status_code == 200
    with schema_of(acme.workspace):
        assert not Brand.objects.exists()


def test_who_saves_over_somebody_else_is_told(alice: Client) -> None:
    save(alice)
    page = save(alice, name="Older")
    assert "Somebody else has changed the brand meanwhile" in text_of(page)
    assert "Acme" in text_of(alice.get(PAGE))


def test_the_preview_follows_what_is_typed_and_saves_nothing(alice: Client, acme: Isp) -> None:
    page = alice.get(f"{PAGE}preview/", {"name": "Sunny", "primary": "#ffcc00", "footer": "Hi"})
    assert "Sunny" in text_of(page)
    assert "--brand-fill:#ffcc00" in page.content.decode()
    assert "#000000" in page.content.decode()
    page = alice.get(f"{PAGE}preview/", {"primary": "nonsense"})
    assert f"--brand-fill:{OUR_PRIMARY}" in page.content.decode()
    with schema_of(acme.workspace):
        assert not Brand.objects.exists()


def test_only_owners_see_or_change_it(acme: Isp, db: None) -> None:
    nobody = browser(acme.workspace_host)
    assert nobody.get(PAGE).status_code == 302
    assert nobody.post(PAGE).status_code == 302
    staff = signed_in(acme.workspace_host, acme.workspace, "sam@acme.example", is_staff=False)
    with schema_of(acme.workspace):
        from_staff = staff.get(PAGE)
    assert from_staff.status_code == 302
    assert save(staff).status_code == 302


def test_staff_who_are_no_owners_are_refused(acme: Isp, db: None) -> None:
    sam = signed_in(acme.workspace_host, acme.workspace, "sam@acme.example")
    with schema_of(acme.workspace):
        User.objects.update(is_superuser=False)
    for path in (PAGE, f"{PAGE}preview/"):
        assert sam.get(path).status_code == 403
    assert save(sam).status_code == 403


def test_the_operator_has_a_brand_of_its_own(root: Client) -> None:
    save(root, name="Hilltop Cloud")
    page = browser(OPERATOR_HOST).get(SIGN_IN)
    assert "Hilltop Cloud" in text_of(page)
    assert "mark.svg" in page.content.decode()
    mark = browser(OPERATOR_HOST).get(root.get(PAGE).context["saved"].mark_url)
    assert b">H</text>" in mark.content


def test_the_brand_costs_a_page_no_query_until_it_changes(alice: Client, acme: Isp) -> None:
    guest = browser(acme.workspace_host)
    guest.get(SIGN_IN)
    with CaptureQueriesContext(connection) as asked:
        guest.get(SIGN_IN)
    assert not [query for query in asked if "branding_" in query["sql"]]
    save(alice, name="Anew")
    assert "Anew" in text_of(guest.get(SIGN_IN))


def test_somebody_led_to_a_second_factor_still_sees_the_colours(alice: Client, acme: Isp) -> None:

    save(alice)
    with schema_of(acme.workspace):
        SignInPolicy.objects.create(pk=1, who="everybody", grace_days=0)
    page = alice.get("/accounts/security/second-factor/")
    assert alice.get(sheet_of(page)).status_code == 200
