"""A person's language and what they are told, set by programs that manage people."""

from typing import Any

from apps.accounts.models import User
from apps.events.models import Event
from apps.notifications.models import Preference
from apps.tenancy.kinds import schema_of
from tests.api.conftest import Program, key_in
from tests.conftest import Isp


def dora(desk: Program, **fields: Any) -> dict[str, Any]:
    made = desk.post("people/", {"email": "dora@acme.example", "role": "support", **fields})
    assert made.status_code == 201, made.content
    found: dict[str, Any] = made.json()
    return found


def test_a_language_is_given_changed_and_taken_back(desk: Program, acme: Isp) -> None:
    person = dora(desk, language="fr")
    assert person["language"] == "fr"
    at = f"people/{person['id']}/"
    assert desk.patch(at, {"language": ""}).json()["language"] == ""
    assert desk.patch(at, {"language": "en", "external_id": "hr-7"}).json()["language"] == "en"
    assert desk.get(at).json()["external_id"] == "hr-7"
    assert desk.patch(at, {"language": "tlh"}).status_code == 400
    with schema_of(acme.workspace):
        changes = Event.objects.filter(type="user.changed").order_by("id")
        assert [one.data["changed"]["language"] for one in changes] == [
            {"before": "fr", "after": ""},
            {"before": "", "after": "en"},
        ]


def test_the_language_of_a_level_is_one_that_there_is(desk: Program) -> None:
    assert desk.patch("brand/", {"language": "fr"}).json()["language"] == "fr"
    assert desk.patch("brand/", {"language": "tlh"}).status_code == 400
    assert desk.patch("brand/", {"language": ""}).json()["language"] == ""


def test_what_a_person_is_told_is_read_and_changed(desk: Program, acme: Isp) -> None:
    at = f"people/{dora(desk)['id']}/preferences/"
    shown = desk.get(at).json()["preferences"]
    (mail,) = [one for one in shown if (one["kind"], one["channel"]) == ("api_key.ends", "email")]
    assert mail == {
        "kind": "api_key.ends",
        "channel": "email",
        "is_on": True,
        "title": "An API key ends soon",
        "is_default": True,
    }
    change = {"kind": "api_key.ends", "channel": "email", "is_on": False}
    answer = desk.patch(at, {"preferences": [change]})
    (mail,) = [one for one in answer.json()["preferences"] if one["kind"] == "api_key.ends"][1:]
    assert (mail["is_on"], mail["is_default"]) == (False, False)
    assert len(answer.json()["preferences"]) == len(shown)
    with schema_of(acme.workspace):
        event = Event.objects.get(type="user.preferences_changed")
        both = {"before": True, "after": False}
        assert event.data == {"changed": {"api_key.ends:email": both}}
        assert Preference.objects.count() == 1


def test_what_there_is_not_is_refused_whole(desk: Program, acme: Isp) -> None:
    at = f"people/{dora(desk)['id']}/preferences/"
    good = {"kind": "api_key.ends", "channel": "email", "is_on": False}
    for wrong in ({"kind": "no.such"}, {"channel": "sms"}, {"channel": "pigeon"}):
        answer = desk.patch(at, {"preferences": [good, {**good, **wrong}]})
        assert answer.status_code == 400
    with schema_of(acme.workspace):
        assert not Preference.objects.exists()


def test_a_version_of_before_is_refused(desk: Program) -> None:
    at = f"people/{dora(desk)['id']}/preferences/"
    etag = desk.get(at)["etag"]
    change = {"preferences": [{"kind": "api_key.ends", "channel": "email", "is_on": False}]}
    assert desk.patch(at, change, headers={"If-Match": etag}).status_code == 200
    assert desk.patch(at, change, headers={"If-Match": etag}).status_code == 412


def test_a_dry_run_changes_nothing(desk: Program, acme: Isp) -> None:
    at = f"people/{dora(desk)['id']}/preferences/"
    change = {"preferences": [{"kind": "api_key.ends", "channel": "email", "is_on": False}]}
    assert desk.patch(f"{at}?dry_run=true", change)["dry-run"] == "true"
    with schema_of(acme.workspace):
        assert not Preference.objects.exists()


def test_it_takes_who_manages_people_and_nobody_above_oneself(desk: Program, acme: Isp) -> None:
    at = f"people/{dora(desk)['id']}/preferences/"
    change = {"preferences": [{"kind": "api_key.ends", "channel": "email", "is_on": False}]}
    clerk = Program(
        acme.workspace_host, key_in(acme.workspace, "clerk@acme.example", role="technician")
    )
    assert clerk.get(at).status_code == 403
    assert clerk.patch(at, change).status_code == 403
    assert clerk.patch(at.replace("preferences/", ""), {"language": "fr"}).status_code == 403
    admin = Program(acme.workspace_host, key_in(acme.workspace, "ada@acme.example", role="admin"))
    assert admin.patch(at, change).status_code == 200
    with schema_of(acme.workspace):
        owner = User.objects.get(email="alice@acme.example").uuid
    assert admin.get(f"people/{owner}/preferences/").status_code == 200
    assert admin.patch(f"people/{owner}/preferences/", change).status_code == 403
    assert admin.patch(f"people/{owner}/", {"language": "fr"}).status_code == 403


def test_one_of_another_isp_is_not_there(desk: Program, desk_of_initech: Program) -> None:
    at = f"people/{dora(desk)['id']}/preferences/"
    assert desk_of_initech.get(at).status_code == 404
    assert desk_of_initech.patch(at, {"preferences": []}).status_code == 404
