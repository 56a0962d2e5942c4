"""The operator brings a tenant in from a file on a page: looked at first, then followed."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.operations import services as operations
from apps.operations.models import Operation
from apps.subscribers.models import Subscriber
from apps.tenancy.kinds import operator, schema_exists, schema_of
from apps.tenancy.models import Tenant
from apps.tenancy.templates import drop_schema
from apps.tenancy.transfer import importing
from apps.tenancy.transfer.exporting import export_schema
from apps.tenants.bringing import services, steps
from apps.work.models import Due
from apps.work.retention import forget_in
from tests.tenancy.moving import new_isp, remove
from tests.tenancy.test_refused_archives import resealed
from tests.tenants.arrived import furnished, module_database, own_files, swept_database, work_off
from tests.tenants.test_adopting_by_hand import page

__all__ = ["furnished", "module_database", "own_files", "page", "swept_database"]

PAGE = "/admin/tenants/organisation/import/"
Page = Callable[[str], Client]


@pytest.fixture
def archive(swept_database: str, tmp_path: Path) -> Any:
    """The bytes of a workspace that is here no more, and its slug."""
    there = new_isp(3)
    path = tmp_path / "there.dotmac"
    export_schema(there, path)
    remove(there)
    yield there.slug, path.read_bytes()
    made = Tenant.objects.filter(slug__in=[there.slug, f"{there.slug}-b"])
    for tenant in list(made):
        remove(tenant)


def upload(owner: Client, content: bytes, name: str = "there.dotmac") -> str:
    """The page of a file that was uploaded."""
    file = SimpleUploadedFile(name, content)
    answer = owner.post(PAGE, {"what": "upload", "file": file})
    assert answer.status_code == 302
    return str(answer["Location"])


def the_operation() -> Operation:
    with operator():
        return Operation.objects.filter(name=services.PIPELINE).order_by("-pk")[0]


def test_a_file_is_looked_at_and_brought_in(page: Page, archive: tuple[str, bytes]) -> None:
    slug, content = archive
    owner = page("owner")
    looked = upload(owner, content)
    said = owner.get(looked).text
    assert "Nothing is written yet." in said
    assert f"{slug}.{settings.APPS_DOMAIN}" in said
    assert not schema_exists(f"w_{slug}")
    begun = owner.post(looked, {"what": "start"})
    again = owner.post(looked, {"what": "start"}, follow=True).text
    assert "already" in again or "under way" in again
    work_off()
    operation = the_operation()
    assert (operation.status, operation.cause) == ("succeeded", "")
    followed = owner.get(begun["Location"], follow=True).text
    assert "tables" in followed
    assert f"?slug={slug}" in followed
    with schema_of(f"w_{slug}"):
        assert Subscriber.objects.count() == 3
    with operator():
        assert Event.objects.filter(type="tenant.imported").count() == 1
    assert services.waiting() == []
    assert slug in owner.get("/admin/tenants/organisation/imported/").text


def test_what_is_wrong_with_a_file_is_said_before_anything_is_written(
    page: Page, archive: tuple[str, bytes]
) -> None:
    slug, content = archive
    owner = page("owner")
    middle = bytearray(content)
    middle[len(content) // 2] ^= 1
    unknown = resealed(content, lambda m: m["migrations"].append(["lists", "9999_future"]))
    newer = resealed(content, lambda m: m.update(format=2))
    for bad, why in (
        (content[: len(content) // 2], "This archive was cut"),
        (bytes(middle), "was altered"),
        (unknown, "lists.9999_future"),
        (newer, "has format 2"),
        (b"no archive", "is no archive of a tenant"),
    ):
        looked = upload(owner, bad)
        said = owner.get(looked).text
        assert why in said
        assert "Import it" not in said
        assert owner.post(looked, {"what": "remove"}).status_code == 302
    assert services.waiting() == []
    assert not schema_exists(f"w_{slug}")
    with operator():
        assert not Operation.objects.filter(name=services.PIPELINE).exists()


def test_a_slug_that_is_taken_is_said_and_another_one_taken(
    page: Page, archive: tuple[str, bytes]
) -> None:
    slug, content = archive
    owner = page("owner")
    looked = upload(owner, content)
    owner.post(looked, {"what": "start"})
    work_off()
    looked = upload(owner, content)
    assert f"There is a workspace “{slug}” already." in owner.get(looked).text
    refused = owner.post(looked, {"what": "start"}, follow=True).text
    assert "already" in refused
    other = f"{looked}&slug={slug}-b"
    assert f"{slug}-b.{settings.APPS_DOMAIN}" in owner.get(other).text
    owner.post(other, {"what": "start"})
    work_off()
    assert the_operation().status == "succeeded"
    assert Tenant.objects.filter(slug=f"{slug}-b").exists()


def test_a_large_file_that_was_altered_fails_at_the_first_step(
    page: Page, archive: tuple[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    slug, content = archive
    monkeypatch.setattr(services, "_SOON", 0)
    owner = page("owner")
    middle = bytearray(content)
    middle[len(content) // 2] ^= 1
    owner.post(upload(owner, bytes(middle)), {"what": "start"})
    work_off()
    operation = the_operation()
    assert operation.status == "failed"
    assert "was altered" in operation.cause
    assert operation.steps.get(key="import").started_at is None
    assert not schema_exists(f"w_{slug}")
    assert len(services.waiting()) == 1


def test_it_is_cancelled_in_the_middle_and_nothing_is_left(
    page: Page, archive: tuple[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    slug, content = archive
    owner = page("owner")
    owner.post(upload(owner, content), {"what": "start"})
    operation = the_operation()
    brought = importing.load

    def cancel() -> None:
        """As a person does meanwhile."""
        with operator():
            operations.cancel(operation, actor=SYSTEM)
        connection.close()

    def slow(cursor: Any, archive: Any, schema: str, report: Any) -> None:
        asking = threading.Thread(target=cancel)
        asking.start()
        asking.join()
        for _turn in range(100):
            report(importing.Progress("x", 0, 1, 0, 0))
            time.sleep(0.1)
        brought(cursor, archive, schema, report)

    monkeypatch.setattr(importing, "load", slow)
    work_off()
    with operator():
        Due.objects.filter(state="waiting").update(state="queued")
    work_off()
    assert the_operation().status == "cancelled"
    assert not schema_exists(f"w_{slug}")
    assert not Tenant.objects.filter(slug=slug).exists()
    assert len(services.waiting()) == 1


def test_a_worker_that_dies_after_it_was_brought_in_is_followed(
    page: Page, archive: tuple[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    slug, content = archive
    owner = page("owner")
    owner.post(upload(owner, content), {"what": "start"})

    def die(_self: Any, _run: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(steps._Bringing, "outcome", die)
        with pytest.raises(KeyboardInterrupt):
            work_off()
    assert schema_exists(f"w_{slug}")
    with operator():
        Due.objects.exclude(state="done").update(state="queued", lease_until=None)
    work_off()
    assert (the_operation().status, the_operation().cause) == ("succeeded", "")
    with schema_of(f"w_{slug}"):
        assert Subscriber.objects.count() == 3


def test_who_may_not_adopt_does_not_get_there(page: Page) -> None:
    assert page("technician").get(PAGE).status_code == 403


def test_files_that_nobody_brings_in_go(
    page: Page, archive: tuple[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    _slug, content = archive
    owner = page("owner")
    upload(owner, content)
    assert owner.get(f"{PAGE}?file=../../secret.dotmac").status_code == 404
    forget_in("public")
    assert len(services.waiting()) == 1
    monkeypatch.setattr(services, "KEPT", -services.KEPT)
    forget_in("public")
    assert services.waiting() == []


def test_a_file_goes_with_the_tenant_that_it_holds(page: Page, archive: tuple[str, bytes]) -> None:
    slug, content = archive
    upload(page("owner"), content)
    with operator():
        drop_schema("w_somebody-else")
        assert len(services.waiting()) == 1
        drop_schema(f"w_{slug}")
    assert services.waiting() == []
