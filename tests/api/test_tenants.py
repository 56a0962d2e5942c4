"""Programs of the operator close, export, adopt and erase, and set up what there is one of."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from django.utils import timezone

from apps.accounts.models import User
from apps.backups.models import BackupTarget, FormerPlace
from apps.certificates.models import AcmeAccount, Certificate
from apps.events.models import Event
from apps.marketplace.models import App, Release
from apps.tenancy.kinds import WORKSPACE, schema_of
from apps.tenancy.models import FailedMigration
from apps.tenancy.services import create_tenant
from apps.tenants.erasing.certificates import certify
from apps.tenants.models import ErasedPerson, Erasure, Impersonation, Organisation
from apps.work.models import Due
from tests.api.conftest import Program, key_in
from tests.conftest import Isp
from tests.instances.world import adopt

Problem = Callable[[HttpResponse], dict[str, Any]]


@pytest.fixture
def own_files(settings: Any, tmp_path: Path) -> None:
    """A folder of the test's own."""
    settings.VAR_DIR, settings.MEDIA_ROOT = tmp_path, tmp_path / "media"


def test_an_organisation_is_closed_by_its_name_and_taken_back(
    platform_desk: Program, platform: None, acme: Isp, problem: Problem
) -> None:
    row = adopt(acme)
    at = f"organisations/{row.uuid}"
    assert (
        platform_desk.patch(f"{at}/", {"external_id": "crm-17"}).json()["external_id"] == "crm-17"
    )
    refused = problem(platform_desk.post(f"{at}/close/", {"slug": "initech"}))
    assert (refused["status"], refused["errors"][0]["field"]) == (400, "slug")
    closed = platform_desk.post(f"{at}/close/", {"slug": "acme", "reason": "T-17"}).json()
    assert (closed["status"], closed["closed_by"], closed["closing_reason"]) == (
        "closed",
        "operator",
        "T-17",
    )
    assert closed["erase_after"]
    assert problem(platform_desk.post(f"{at}/close/", {"slug": "acme"}))["status"] == 409
    assert platform_desk.post(f"{at}/reopen/").json()["status"] == "active"
    assert problem(platform_desk.post(f"{at}/reopen/"))["status"] == 409
    support = Program("dotmac.localhost", key_in("public", "sue@dotmac.example", role="support"))
    assert support.get(f"{at}/").status_code == 200
    assert support.post(f"{at}/close/", {"slug": "acme"}).status_code == 403


@pytest.mark.usefixtures("platform", "own_files")
def test_an_organisation_s_data_are_taken_along(
    platform_desk: Program, acme: Isp, run_due: Callable[[], list[str]], problem: Problem
) -> None:
    asked = {"organisation": str(adopt(acme).uuid), "what": "console"}
    begun = platform_desk.post("organisation-exports/", asked)
    assert (begun.status_code, begun.json()["schema"]) == (202, acme.console)
    assert problem(platform_desk.post("organisation-exports/", asked))["status"] == 409
    run_due()
    there = f"organisation-exports/{begun.json()['id']}/"
    assert platform_desk.get(there).json()["status"] == "succeeded"
    file = platform_desk.get(f"{there}file/")
    assert file["content-type"] == "application/octet-stream"
    assert b"".join(file.streaming_content)  # type: ignore[attr-defined]
    nobody = {**asked, "organisation": "1d7e1d0e-6f2c-4c7e-8b0a-2f6c6b7a9d33"}
    found = problem(platform_desk.post("organisation-exports/", nobody))
    assert found["errors"][0]["field"] == "organisation"


def test_what_was_imported_becomes_a_customer_or_goes(
    platform_desk: Program, platform: None, problem: Problem
) -> None:
    create_tenant(kind=WORKSPACE, slug="brought", name="Brought", host="brought.apps.localhost")
    (found,) = platform_desk.get("imported-tenants/", slug="brought").json()["results"]
    assert (found["kind"], found["schema"]) == ("workspace", "w_brought")
    said = {
        "slug": "brought",
        "email": "ida@brought.example",
        "name": "Brought Fiber",
        "plan": "business",
        "country": "SE",
        "currency": "SEK",
        "time_zone": "Europe/Stockholm",
        "region": "local",
    }
    wrong = problem(platform_desk.post("imported-tenants/adopt/", {**said, "country": "XX"}))
    assert wrong["errors"][0]["field"] == "country"
    made = platform_desk.post("imported-tenants/adopt/", said)
    assert (made.status_code, made.json()["status"]) == (201, "active")
    assert platform_desk.get("imported-tenants/", slug="brought").json()["results"] == []
    attached = {"slug": "brought", "organisation": made.json()["id"]}
    assert problem(platform_desk.post("imported-tenants/attach/", attached))["status"] == 404
    create_tenant(kind=WORKSPACE, slug="stray", name="Stray", host="stray.apps.localhost")
    wrong = problem(
        platform_desk.post("imported-tenants/erase/", {"slug": "stray", "confirm": "x"})
    )
    assert wrong["errors"][0]["field"] == "confirm"
    begun = platform_desk.post("imported-tenants/erase/", {"slug": "stray", "confirm": "stray"})
    assert (begun.status_code, begun.json()["status"]) == (202, "queued")
    assert platform_desk.get("imported-tenants/", slug="stray").json()["results"] == []


def test_what_was_erased_visited_or_left_behind_is_read(
    platform_desk: Program, platform: None, acme: Isp, problem: Problem
) -> None:
    row, now = adopt(acme), timezone.now()
    gone = {"organisation": row.uuid, "name": "Zephyr", "slug": "zephyr", "asked_by": "owner"}
    erasure = Erasure.objects.create(**gone, asked_at=now)
    there = f"erasures/{erasure.uuid}/"
    assert problem(platform_desk.get(f"{there}certificate/"))["status"] == 404
    certify(erasure)
    assert platform_desk.get(there).json()["backups_until"]
    file = platform_desk.get(f"{there}certificate/")
    assert file["content-type"] == "application/octet-stream"
    assert json.loads(file.content)["certificate"]["name"] == "Zephyr"
    # It has its certificate and is here all the same.
    begun = platform_desk.post(f"{there}again/")
    assert (begun.status_code, begun.json()["subject_type"]) == (202, "erasure")
    assert Organisation.objects.get(pk=row.pk).status == "closed"
    with schema_of(acme.console):
        back = User.objects.create_user("back@acme.example")
    ErasedPerson.objects.create(
        schema=acme.console, kind="user", person=back.uuid, erased_at=now, restored_at=now
    )
    assert platform_desk.post("erasures/people/").json() == {"erased": 1, "refused": []}
    with schema_of(acme.console):
        assert not User.objects.filter(uuid=back.uuid).exists()
    Impersonation.objects.create(
        organisation=row, user=row.owner, email="olga@x.example", reason="T-17", expires_at=now
    )
    (visit,) = platform_desk.get("support-visits/", organisation__uuid=row.uuid).json()["results"]
    assert (visit["reason"], visit["organisation"]) == ("T-17", str(row.uuid))
    FailedMigration.objects.create(schema="c_x", error="exists", failed_at=now)
    assert platform_desk.get("failed-migrations/c_x/").json()["error"] == "exists"
    assert platform_desk.get("failed-migrations/release/").json()["failed"] == 1
    assert platform_desk.post("failed-migrations/migrate/").status_code == 202
    assert problem(platform_desk.post("failed-migrations/migrate/"))["status"] == 409


def test_work_of_all_schemas_is_steered(
    platform_desk: Program, running_shop: Any, problem: Problem
) -> None:
    due = Due.objects.get(subject=str(running_shop.operation.uuid))
    (found,) = platform_desk.get("work/", subject=due.subject).json()["results"]
    assert (found["id"], found["schema"], found["state"]) == (str(due.pk), due.schema, "done")
    assert problem(platform_desk.post(f"work/{due.pk}/cancel/"))["status"] == 409
    now = timezone.now()
    other = Due.objects.create(
        schema="public", kind="nobody's", subject="1", title="x", due_at=now, created_at=now
    )
    assert problem(platform_desk.post(f"work/{other.pk}/retry/"))["status"] == 409
    support = Program("dotmac.localhost", key_in("public", "sue@dotmac.example", role="support"))
    assert support.get(f"work/{due.pk}/").status_code == 200
    assert support.post(f"work/{due.pk}/retry/").status_code == 403


def test_the_catalogue_is_steered(platform_desk: Program, problem: Problem) -> None:
    app = App.objects.create(key="wiki", title="Wiki", summary="Pages")
    release = Release.objects.create(app=app, version="1.0", manifest={})
    assert not platform_desk.post("apps/wiki/hide/").json()["is_listed"]
    assert platform_desk.post("apps/wiki/show/").json()["is_listed"]
    (found,) = platform_desk.get("releases/", app__key="wiki").json()["results"]
    assert found["id"] == release.pk
    at = f"releases/{found['id']}/withdraw/"
    assert platform_desk.post(at).json()["is_withdrawn"]
    assert problem(platform_desk.post(at))["status"] == 409


def test_authority_and_dns_are_set_up_and_their_secrets_never_shown(
    platform_desk: Program, problem: Problem
) -> None:
    first = platform_desk.get("acme-account/")
    words = {
        "authority": "own",
        "own_directory": "https://ca.example/acme/directory",
        "dns_kind": "powerdns",
        "dns_server": "https://dns.example:8081",
        "dns_secret": "horse-battery",
        "accepts_terms": True,
        "is_on": True,
    }
    assert problem(platform_desk.patch("acme-account/", {"is_on": True}))["errors"][0]["field"] == (
        "accepts_terms"
    )
    bad = problem(platform_desk.patch("acme-account/", {"roots": "no PEM"}))
    assert bad["errors"][0]["field"] == "roots"
    saved = platform_desk.patch("acme-account/", words, {"if-match": first["etag"]})
    assert (saved.status_code, saved.json()["is_on"]) == (200, True)
    late = platform_desk.patch("acme-account/", {"is_on": False}, {"if-match": first["etag"]})
    assert problem(late)["status"] == 412
    # Left out, all of it stays.
    again = platform_desk.patch("acme-account/", {"email": "ops@x.example"})
    assert (again.json()["is_on"], again.json()["dns_server"]) == (True, words["dns_server"])
    row = AcmeAccount.objects.get()
    assert row.dns_secret
    assert row.key
    told = saved.text + again.text + str([one.data for one in Event.objects.all()])
    assert not any(one in told for one in ("horse-battery", row.dns_secret, row.key))
    certificate = Certificate.objects.create(
        name="x.example", hostnames=["x.example"], challenge="dns-01", status="valid"
    )
    at = f"certificates/{certificate.uuid}"
    assert problem(platform_desk.post(f"{at}/revoke/", {"reason": 2}))["status"] == 400
    # Nothing was issued yet.
    assert problem(platform_desk.post(f"{at}/revoke/", {"reason": 1}))["status"] == 409
    Certificate.objects.update(expires_at=timezone.now())
    assert platform_desk.post(f"{at}/revoke/", {"reason": 1}).status_code == 200
    assert platform_desk.get(f"{at}/issued/").json()["results"] == []
    admin = Program("dotmac.localhost", key_in("public", "ann@dotmac.example", role="admin"))
    for path in ("acme-account/", "backup-target/"):
        assert admin.patch(path, {"is_on": False}).status_code == 403
    assert admin.get("acme-account/").status_code == 403


def test_where_backups_go_is_set_up_and_its_secret_never_shown(
    platform_desk: Program, problem: Problem
) -> None:
    place = {"kind": "s3", "address": "https://s3.example/bucket", "user": "key-id"}
    wrong = problem(platform_desk.patch("backup-target/", {**place, "address": "nowhere"}))
    assert wrong["errors"][0]["field"] == "address"
    saved = platform_desk.patch("backup-target/", {**place, "secret": "horse-battery"})
    assert (saved.status_code, saved.json()["address"]) == (200, place["address"])
    again = platform_desk.patch("backup-target/", {"keep_daily": 14})
    assert (again.json()["keep_daily"], again.json()["user"]) == (14, "key-id")
    row = BackupTarget.objects.get()
    assert row.secret
    told = saved.text + again.text + str([one.data for one in Event.objects.all()])
    assert not any(one in told for one in ("horse-battery", row.secret, row.key, row.token or "-?"))
    old = FormerPlace.objects.create(address="sftp://old.example/x", keep_daily=7, keep_weekly=4)
    (found,) = platform_desk.get("former-backup-places/").json()["results"]
    assert found["id"] == old.pk
    assert platform_desk.send("DELETE", f"former-backup-places/{old.pk}/").status_code == 204
    assert Event.objects.filter(type="backup_place.removed").exists()
