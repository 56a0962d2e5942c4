"""Owners and the operator take a tenant's data along: asked for, followed, downloaded, told of."""

import os
import tarfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.accounts.models import ServiceAccount, User
from apps.contract.models import HeldGrant
from apps.events.models import Event
from apps.operations.models import Operation
from apps.tenancy.kinds import schema_of
from apps.tenancy.models import Tenant
from apps.tenancy.templates import drop_schema
from apps.tenants.models import Organisation
from apps.transfers.services import file_of, folder_of
from apps.work.retention import forget_in
from tests.api.conftest import Program, key_in
from tests.transfers.conftest import work_off


def exported(client: Client, page: str, schema: str, **values: str) -> Operation:
    """Ask for it on a page and have it made."""
    answer = client.post(page, values)
    assert answer.status_code == 302
    work_off()
    with schema_of(schema):
        operation = Operation.objects.get(name="transfers.export")
        assert operation.status == "succeeded", operation.cause
        return operation


def types(schema: str) -> list[str]:
    with schema_of(schema):
        rows = Event.objects.filter(type__startswith="tenant.").order_by("id")
        return list(rows.values_list("type", flat=True))


def test_an_owner_takes_the_data_of_the_workspace_along(person, acme) -> None:
    alice = person(acme.workspace_host, acme.workspace)
    assert "Export all data" in alice.get("/admin/export/").text
    operation = exported(alice, "/admin/export/", acme.workspace)
    page = alice.get("/admin/export/").text
    address = f"/admin/export/{operation.uuid}/file/"
    assert address in page
    followed = alice.get(f"/operations/{operation.uuid}/", follow=True).text
    assert address in followed
    assert "rows" in followed
    answer = alice.get(address)
    assert f"{acme.workspace}-" in answer["content-disposition"]
    with tarfile.open(fileobj=BytesIO(answer.getvalue())) as tar:
        assert "manifest.json" in tar.getnames()
    assert types(acme.workspace) == ["tenant.exported", "tenant.export_downloaded"]
    assert not types("public")


def test_the_owner_of_a_console_has_the_same(person, acme) -> None:
    alice = person(acme.console_host, acme.console)
    operation = exported(alice, "/admin/export/", acme.console)
    assert alice.get(f"/admin/export/{operation.uuid}/file/").status_code == 200
    assert "/admin/export/" in alice.get("/admin/").text


def test_who_is_read_only_may_still_take_the_data_along(person, acme) -> None:
    alice = person(acme.workspace_host, acme.workspace)
    with schema_of(acme.workspace):
        HeldGrant.objects.update_or_create(defaults={"mode": "read_only"})
    try:
        assert alice.post("/admin/accounts/invitation/add/").status_code == 403
        # Of one person too: what is refused is not what is missing.
        assert alice.post("/admin/accounts/user/0/personal/").status_code == 403
        assert alice.post("/admin/accounts/user/0/personal.json").status_code == 404
        operation = exported(alice, "/admin/export/", acme.workspace)
        assert alice.get(f"/admin/export/{operation.uuid}/file/").status_code == 200
    finally:
        with schema_of(acme.workspace):
            HeldGrant.objects.update(mode="full")


@pytest.mark.parametrize("role", ["admin", "technician", "viewer"])
def test_nobody_but_owners_exports_or_downloads(person, acme, role: str) -> None:
    owner = person(acme.workspace_host, acme.workspace)
    operation = exported(owner, "/admin/export/", acme.workspace)
    other = person(acme.workspace_host, acme.workspace, role)
    assert other.get("/admin/export/").status_code == 403
    assert other.post("/admin/export/").status_code == 403
    assert other.get(f"/admin/export/{operation.uuid}/file/").status_code == 403
    assert "/admin/export/" not in other.get("/admin/").text
    assert other.post(f"/operations/{operation.uuid}/retry/").status_code == 403


def test_an_outsider_sees_no_file(person, acme, initech) -> None:
    alice = person(acme.workspace_host, acme.workspace)
    operation = exported(alice, "/admin/export/", acme.workspace)
    bob = person(initech.workspace_host, initech.workspace)
    assert bob.get(f"/admin/export/{operation.uuid}/file/").status_code == 404
    assert str(operation.uuid) not in bob.get("/admin/export/").text


def test_one_export_at_a_time(person, acme) -> None:
    alice = person(acme.workspace_host, acme.workspace)
    alice.post("/admin/export/")
    again = alice.post("/admin/export/", follow=True)
    assert "is under way since" in again.text


def test_a_file_goes_after_seven_days(person, acme) -> None:
    alice = person(acme.workspace_host, acme.workspace)
    operation = exported(alice, "/admin/export/", acme.workspace)
    with schema_of(acme.workspace):
        path = file_of(operation)
    forget_in(acme.workspace)
    assert path.exists()
    then = (timezone.now() - timedelta(days=7, minutes=1)).timestamp()
    os.utime(path, (then, then))
    forget_in(acme.workspace)
    assert not path.exists()
    assert alice.get(f"/admin/export/{operation.uuid}/file/").status_code == 404
    assert "not kept any more" in alice.get("/admin/export/").text


def test_files_go_with_their_schema(swept_database: str) -> None:
    folder = folder_of("w_gone")
    folder.mkdir(parents=True)
    (folder / "x.dotmac").write_bytes(b"x")
    drop_schema("w_gone")
    assert not folder.exists()


def test_a_full_disk_is_told_and_leaves_nothing(
    person, acme, settings: Any, tmp_path: Path
) -> None:
    (tmp_path / "media").write_text("a file where the folder should be")
    alice = person(acme.workspace_host, acme.workspace)
    alice.post("/admin/export/")
    work_off()
    with schema_of(acme.workspace):
        operation = Operation.objects.get(name="transfers.export")
    assert operation.status == "failed"
    assert "could not be written" in operation.cause


@pytest.fixture
def organisation(swept_database: str, acme) -> Iterator[Organisation]:
    """Acme as the operator's customer, with a dedicated workspace elsewhere."""
    connection.set_schema_to_public()
    row = Organisation.objects.create(
        name=acme.name,
        slug=acme.slug,
        country="SE",
        currency="SEK",
        time_zone="Europe/Stockholm",
        region="local",
        plan_version="00000000-0000-4000-8000-000000000001",
        plan_key="starter",
        owner="00000000-0000-4000-8000-000000000002",
        email="alice@example.org",
        console=Tenant.objects.get(schema_name=acme.console),
        workspace=Tenant.objects.get(schema_name=acme.workspace),
    )
    yield row
    connection.set_schema_to_public()
    row.delete()


def test_the_operator_takes_an_organisations_data_along_and_its_log_says_so(
    person, organisation: Organisation, acme
) -> None:
    olga = person("dotmac.localhost", "public", "admin")
    page = f"/admin/tenants/organisation/{organisation.pk}/data/"
    there = olga.get(f"/admin/tenants/organisation/{organisation.pk}/change/").text
    assert "Export data" in there
    operation = exported(olga, page, "public", what="console")
    assert operation.params["schema"] == acme.console
    address = f"/admin/export/{operation.uuid}/file/"
    assert address in olga.get(page).text
    assert olga.get(address).status_code == 200
    told = ["tenant.exported", "tenant.export_downloaded"]
    assert (types("public"), types(acme.console)) == (told, told)
    with schema_of(acme.console):
        assert Event.objects.get(type="tenant.exported").actor_label == "admin0@example.org"
    sam = person("dotmac.localhost", "public", "support")
    assert sam.get(page).status_code == 403
    assert sam.get(address).status_code == 403


def test_a_dedicated_workspace_is_said_to_lie_elsewhere(
    person, organisation: Organisation, acme
) -> None:
    olga = person("dotmac.localhost", "public")
    Tenant.objects.filter(schema_name=acme.workspace).update(is_local=False)
    try:
        page = f"/admin/tenants/organisation/{organisation.pk}/data/"
        shown = olga.get(page).text
        assert f"export_tenant {acme.workspace}" in shown
        assert "Export the workspace" not in shown
        assert olga.post(page, {"what": "workspace"}).status_code == 404
    finally:
        Tenant.objects.filter(schema_name=acme.workspace).update(is_local=True)


@pytest.fixture
def program(swept_database: str) -> Iterator[Callable[..., Program]]:
    """`program(host, schema, role)` is one with a key of somebody there."""
    made: list[tuple[str, str]] = []

    def with_key(host: str, schema: str, role: str = "owner") -> Program:
        email, is_owner = f"program{len(made)}@example.org", role == "owner"
        made.append((schema, email))
        key = key_in(schema, email, is_superuser=is_owner, role="" if is_owner else role)
        return Program(host, key)

    yield with_key
    connection.set_schema_to_public()
    for schema, email in made:
        with schema_of(schema):
            ServiceAccount.objects.filter(created_by__email=email).delete()
            User.objects.filter(email=email).delete()


def test_a_program_takes_the_data_along(program, acme, initech) -> None:
    owner = program(acme.workspace_host, acme.workspace)
    begun = owner.post("exports/")
    assert (begun.status_code, begun.json()["kept_until"]) == (202, None)
    at = f"exports/{begun.json()['id']}/"
    assert owner.get(f"{at}file/").status_code == 404
    assert owner.post("exports/").status_code == 409
    work_off()
    shown = owner.get(at).json()
    assert shown["status"] == "succeeded"
    answer = owner.get(f"{at}file/")
    assert len(answer.getvalue()) == shown["size"] > 0
    assert types(acme.workspace) == ["tenant.exported", "tenant.export_downloaded"]
    admin = program(acme.workspace_host, acme.workspace, "admin")
    assert admin.get(at).status_code == admin.get(f"{at}file/").status_code == 403
    outsider = program(initech.workspace_host, initech.workspace)
    assert outsider.get(f"{at}file/").status_code == 404
