"""Health, backups and proofs of the log, over the API."""

import pytest

from apps.accounts.models import Membership
from apps.backups.models import BackupRun
from apps.core.health import WARNING, checks
from apps.doctor.models import CheckState
from apps.events.models import Verification
from apps.events.verifications import end
from apps.events.verifying import Finding, Report
from apps.tenancy.kinds import schema_of
from tests.api.conftest import Program, key_in

OPERATOR = "dotmac.localhost"


@pytest.fixture
def technician(db: None) -> Program:
    """A program of the operator's technicians."""
    return Program(OPERATOR, key_in("public", "tom@dotmac.example", role="technician"))


def test_health_says_what_is_wrong_and_what_to_do(technician: Program) -> None:
    first = checks()[0]
    kept = {"status": WARNING, "text": "{n} are late.", "advice": "Start it.", "values": {"n": 3}}
    CheckState.objects.create(name=first.name, status=WARNING, findings=[kept])
    CheckState.objects.create(name="of.before", status=WARNING)
    (row,) = technician.get("health-checks/", status="warning").json()["results"]
    assert (row["name"], row["runbook"]) == (first.name, first.page)
    found = {"status": "warning", "text": "3 are late.", "advice": "Start it."}
    assert row["findings"] == [found]
    assert technician.get(f"health-checks/{first.name}/").json() == row
    assert technician.get("health-checks/of.before/").status_code == 404


def test_everything_is_looked_at_when_asked_for_once_at_a_time(technician: Program) -> None:
    begun = technician.post("health-checks/run/")
    assert begun.status_code == 202
    assert technician.get(f"operations/{begun.json()['id']}/").json()["status"] == "queued"
    assert technician.post("health-checks/run/").status_code == 409


def test_backups_are_listed_and_asked_for(technician: Program) -> None:
    BackupRun.objects.create(kind="full", status="done", slot=None, name="one", size=7)
    (row,) = technician.get("backups/", status="done").json()["results"]
    assert (row["kind"], row["name"], row["size"]) == ("full", "one", 7)
    refused = technician.post("backups/", {"kind": "full"})
    assert (refused.status_code, refused.json()["code"]) == (400, "backup_target")
    assert technician.post("backups/", {"kind": "none"}).status_code == 400


def test_who_may_see_backups_may_not_have_them_made(db: None) -> None:
    support = Program(OPERATOR, key_in("public", "sue@dotmac.example", role="support"))
    assert support.get("backups/").status_code == 200
    assert support.post("backups/", {"kind": "full"}).status_code == 403
    viewer = Program(OPERATOR, key_in("public", "vic@dotmac.example", role="viewer"))
    assert viewer.get("backups/").status_code == 403
    assert viewer.get("health-checks/").status_code == 403


def test_the_log_is_proven_when_asked_for(desk: Program, acme) -> None:
    with schema_of(acme.workspace):
        Membership.objects.filter(user__email="desk@acme.example").update(role="admin")
    begun = desk.post("verifications/")
    assert begun.status_code == 202
    shown = begun.json()
    assert (shown["state"], shown["is_proven"], shown["findings"]) == ("open", None, [])
    assert desk.post("verifications/").status_code == 409
    with schema_of(acme.workspace):
        end(Verification.objects.get(), Report(events=4, findings=[Finding("changed", 3, "It.")]))
    ended = desk.get(f"verifications/{shown['id']}/").json()
    assert (ended["state"], ended["is_proven"], ended["events"]) == ("done", False, 4)
    assert ended["findings"] == [{"kind": "changed", "event_id": 3, "text": "It."}]
