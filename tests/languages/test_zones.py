"""In whose time zone times are said: the person's, the level's, that of the organisation, UTC."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine
from allauth.account.adapter import get_adapter
from allauth.core.context import request_context
from django.test import Client, RequestFactory
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.zones import writing_to, zone_of
from apps.branding.looks import forget_look
from apps.branding.models import Brand
from apps.contract.models import HeldGrant
from apps.core.zones import in_zone, is_zone, zones_by_continent
from apps.events import services as events
from apps.events.actors import user_actor
from apps.events.models import Event
from apps.subscribers.models import Subscriber
from apps.tenancy.kinds import PUBLIC, schema_of
from tests.accounts.browser import text_of
from tests.api.conftest import Program, desk
from tests.conftest import Isp
from tests.pages.conftest import OPERATOR_HOST

__all__ = ["desk"]
pytestmark = pytest.mark.django_db
SECURITY = "/accounts/security/"
# Far from everybody: the next day in Tokyo, the same one in Los Angeles.
LATE = datetime(2026, 3, 10, 20, 30, tzinfo=UTC)
TOKYO, ANGELES = "Asia/Tokyo", "America/Los_Angeles"


def set_level(schema: str, name: str) -> None:
    """Choose a level's zone."""
    with schema_of(schema):
        Brand.objects.update_or_create(is_only=True, defaults={"time_zone": name})
        forget_look()


def new_subscribers(client: Client, path: str) -> tuple[str, str]:
    """How many a home says are new, and what it says beside."""
    (stat,) = (one for one in client.get(path).context["stats"] if one.label == "New subscribers")
    return stat.value, stat.note


def sign_in_at(schema: str, at: datetime) -> None:
    """A sign-in of Alice's that her page shows."""
    with schema_of(schema), time_machine.travel(at, tick=False):
        user = User.objects.get(email="alice@acme.example")
        events.record("user.signed_in", actor=user_actor(user), subject=user)


def test_a_page_says_times_in_the_zone_of_its_person(alice: Client, acme: Isp) -> None:
    sign_in_at(acme.console, LATE)
    assert "10 Mar 2026, 20:30" in text_of(alice.get(SECURITY))
    set_level(acme.console, ANGELES)
    assert "10 Mar 2026, 13:30" in text_of(alice.get(SECURITY))
    answer = alice.post("/language/", {"language": "", "time_zone": TOKYO, "next": SECURITY})
    assert answer["Location"] == SECURITY
    assert "11 Mar 2026, 05:30" in text_of(alice.get(SECURITY))
    with schema_of(acme.console):
        event = Event.objects.get(type="user.changed")
    assert event.data == {"changed": {"time_zone": {"before": "", "after": TOKYO}}}
    # Whatever was in force ends with the request.
    assert timezone.get_current_timezone_name() == "UTC"


def test_the_menu_shows_what_is_chosen_and_what_everybody_has(alice: Client, acme: Isp) -> None:
    set_level(acme.console, ANGELES)
    page = alice.get(SECURITY).content.decode()
    assert f"As everybody here: {ANGELES}" in page
    assert f'<option value="{TOKYO}">Tokyo</option>' in page
    alice.post("/language/", {"time_zone": TOKYO})
    page = alice.get(SECURITY).content.decode()
    assert f'<option value="{TOKYO}" selected>Tokyo</option>' in page
    # A form of before has no zone and takes none away; one without a choice does.
    alice.post("/language/", {"language": ""})
    with schema_of(acme.console):
        assert User.objects.get(email="alice@acme.example").time_zone == TOKYO
    alice.post("/language/", {"time_zone": ""})
    with schema_of(acme.console):
        assert User.objects.get(email="alice@acme.example").time_zone == ""


@pytest.mark.parametrize("name", ["Mars/Olympus", "../../etc/passwd", "x" * 300, "\0"])
def test_a_zone_that_is_none_is_not_kept_and_hurts_nobody(
    alice: Client, acme: Isp, name: str
) -> None:
    assert alice.post("/language/", {"time_zone": name}).status_code == 302
    with schema_of(acme.console):
        user = User.objects.get(email="alice@acme.example")
        assert user.time_zone == ""
        # Of a database of zones that had more than this one.
        User.objects.filter(pk=user.pk).update(time_zone="Mars/Olympus")
    assert alice.get(SECURITY).status_code == 200


def test_nobody_else_chooses_a_person_s_zone(alice: Client, acme: Isp, bob: Client) -> None:
    forged = Client(headers={"host": acme.console_host}, enforce_csrf_checks=True)
    forged.cookies.update(alice.cookies)
    assert forged.post("/language/", {"time_zone": TOKYO}).status_code == 403
    # At their own console somebody of another ISP changes their own row alone.
    bob.post("/language/", {"time_zone": TOKYO})
    with schema_of(acme.console):
        assert not User.objects.exclude(time_zone="").exists()


def test_a_console_has_the_zone_of_its_organisation(sign_up) -> None:
    organisation = sign_up("zoned")
    with schema_of(organisation.console.schema_name):
        forget_look()
        assert zone_of(None) == "Europe/Stockholm"
        assert zone_of(User(time_zone=TOKYO)) == TOKYO
    owner = User.objects.get(uuid=organisation.owner)
    assert owner.time_zone == "Europe/Stockholm"


def test_a_workspace_has_the_zone_that_its_grant_names(acme: Isp, initech: Isp) -> None:
    with schema_of(acme.workspace):
        HeldGrant.objects.update_or_create(defaults={"brand": {"time_zone": TOKYO}}, is_only=True)
        forget_look()
        assert zone_of(None) == TOKYO
        Brand.objects.update_or_create(is_only=True, defaults={"time_zone": ANGELES})
        forget_look()
        assert zone_of(None) == ANGELES
    with schema_of(initech.workspace):
        assert zone_of(None) == ""


def test_days_are_those_of_whoever_counts(alice_at_work: Client, acme: Isp) -> None:
    with schema_of(acme.workspace):
        person = Subscriber.objects.create(name="Dora")
        Subscriber.objects.filter(pk=person.pk).update(created_at=LATE)
    path = "/admin/?from=2026-03-11&to=2026-03-11"
    with time_machine.travel(datetime(2026, 3, 12, 12, tzinfo=UTC), tick=False):
        assert new_subscribers(alice_at_work, path) == ("0", "1 in the day before")
        set_level(acme.workspace, TOKYO)
        assert new_subscribers(alice_at_work, path) == ("1", "none in the day before")


def test_programs_are_told_in_utc(desk: Program, acme: Isp) -> None:
    set_level(acme.workspace, TOKYO)
    with schema_of(acme.workspace):
        person = Subscriber.objects.create(name="Dora")
        Subscriber.objects.filter(pk=person.pk).update(created_at=LATE)
    (row,) = desk.get("subscribers/").json()["results"]
    assert row["created_at"] == "2026-03-10T20:30:00Z"


def test_a_mail_says_times_in_the_zone_of_who_gets_it(
    operator_schema: None, rf: RequestFactory
) -> None:
    request = rf.get("/", headers={"host": OPERATOR_HOST})
    context = {"timestamp": LATE, "ip": "192.0.2.1"}
    with schema_of(PUBLIC), request_context(request):
        User.objects.create_user("rene@example.net", time_zone=TOKYO)
        letter = get_adapter(request).write(
            "account/email/password_changed", "rene@example.net", context
        )
    assert "It was done on 11 Mar 2026, 05:30 (JST) from 192.0.2.1." in letter.text
    assert timezone.get_current_timezone_name() == "UTC"


def test_the_zone_of_an_organisation_stands_before_the_level_s(operator_schema: None) -> None:
    with schema_of(PUBLIC), writing_to(User(), zone=ANGELES):
        assert timezone.get_current_timezone_name() == ANGELES
    with schema_of(PUBLIC), writing_to(User(time_zone=TOKYO), zone=ANGELES):
        assert timezone.get_current_timezone_name() == TOKYO


def test_programs_choose_zones_that_exist(desk: Program, acme: Isp) -> None:
    answer = desk.patch("brand/", {"time_zone": "Mars/Olympus"})
    assert answer.status_code == 400
    assert "Mars/Olympus" in answer.content.decode()
    answer = desk.patch("brand/", {"time_zone": TOKYO})
    assert (answer.status_code, answer.json()["time_zone"]) == (200, TOKYO)
    with schema_of(acme.workspace):
        forget_look()
        assert zone_of(None) == TOKYO
    dora = {"email": "dora@acme.example", "time_zone": ANGELES}
    made = desk.post("people/", dora)
    assert (made.status_code, made.json()["time_zone"]) == (201, ANGELES)
    assert desk.post("people/", {**dora, "time_zone": "nowhere"}).status_code == 400
    changed = desk.patch(f"people/{made.json()['id']}/", {"time_zone": ""})
    assert changed.json()["time_zone"] == ""


def test_every_zone_of_the_menu_is_one() -> None:
    names = [name for _continent, zones in zones_by_continent() for name, _place in zones]
    assert len(names) == len(set(names)) > 400
    assert all(is_zone(name) and ZoneInfo(name) for name in names)
    with in_zone("Europe/Stockholm"):
        # The night in which an hour is missing.
        moment = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
        assert f"{timezone.localtime(moment):%H:%M %Z}" == "03:30 CEST"
