"""What is settled where an archive arrives: its event log, its keys, and what was under way."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.test import override_settings
from django.utils import timezone

from apps.accounts.api_keys import KIND as REMINDER
from apps.contract.models import HeldGrant
from apps.events import services as events
from apps.events.actors import SYSTEM, Subject
from apps.events.models import Event, Verification
from apps.events.verifications import start_verification
from apps.events.verifying import verify
from apps.instances.models import Instance
from apps.operations import services as operations
from apps.operations.models import Operation
from apps.tenancy.kinds import schema_of
from apps.tenancy.models import Tenant
from apps.tenancy.transfer.exporting import export_schema
from apps.tenancy.transfer.importing import import_archive
from apps.webhooks.models import Endpoint
from apps.work import services as work
from apps.work.models import Due
from tests.live import module_database
from tests.operations.conftest import pipeline, step
from tests.tenancy.moving import (
    archive,
    copy,
    database,
    isp,
    new_isp,
    new_tenant,
    passing,
    remove,
    seal_all,
)

__all__ = ["archive", "copy", "database", "isp", "module_database"]


def test_a_log_that_comes_under_another_name_is_taken_over_and_says_so(
    isp: Tenant, archive: Path, copy: str
) -> None:
    done = import_archive(archive, slug=copy)
    assert "signed anew" in done.notes[0]
    with schema_of(done.tenant.schema_name):
        seal_all()
        report = verify()
        assert report.findings == []
        (move,) = report.moves
        assert move.origin == isp.schema_name
        events.record("demo.done", actor=SYSTEM, subject=Subject("demo", "1", "Demo"))
        seal_all()
        assert verify().is_proven
        # What others signed is watched as our own is.
        Event.objects.filter(seal_no=move.until - 3).update(digest="0" * 64)
        assert not verify().is_proven


def test_nobody_else_can_say_that_a_log_was_taken_over(
    isp: Tenant, archive: Path, copy: str
) -> None:
    done = import_archive(archive, slug=copy)
    with schema_of(done.tenant.schema_name):
        with override_settings(SECRET_KEY="another-secret-of-an-intruder" * 2):
            assert not verify().is_proven
        seal_all()
        taken = Event.objects.get(type="log.taken_over")
        Event.objects.filter(pk=taken.pk).update(data={**taken.data, "proof": "0" * 64})
        assert not verify().is_proven


@pytest.mark.parametrize("knows", [False, True])
def test_a_log_of_another_secret_is_taken_over_unless_the_secret_is_known(
    isp: Tenant, archive: Path, database: str, knows: bool
) -> None:
    from django.conf import settings  # noqa: PLC0415 - as it is now

    fallbacks = [settings.SECRET_KEY] if knows else []
    remove(isp)
    with override_settings(
        SECRET_KEY="of-another-installation" * 3, SECRET_KEY_FALLBACKS=fallbacks
    ):
        done = import_archive(archive)
        with schema_of(done.tenant.schema_name):
            seal_all()
            report = verify()
            assert report.findings == []
            assert len(report.moves) == (0 if knows else 1)
    remove(isp)
    import_archive(archive)


def test_fields_that_no_key_opens_are_told_of(archive: Path, copy: str) -> None:
    with override_settings(FIELD_KEYS=["YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY="]):
        done = import_archive(archive, slug=copy)
    assert any("FIELD_KEYS" in note for note in done.notes)


def test_a_log_that_was_changed_before_is_not_vouched_for(
    database: str, tmp_path: Path, copy: str
) -> None:
    tenant = new_isp(3)
    with passing(tenant):
        with schema_of(tenant.schema_name):
            Event.objects.filter(seal_no=2).update(type="other.type")
        export_schema(tenant, tmp_path / "x")
        done = import_archive(tmp_path / "x", slug=copy)
        assert "not vouched" in done.notes[0]
        with schema_of(done.tenant.schema_name):
            seal_all()
            assert not verify().is_proven


def test_work_of_the_schema_itself_goes_on_and_no_other(
    database: str, tmp_path: Path, copy: str
) -> None:
    tenant = new_isp(1)
    later = timezone.now() + timedelta(days=9)
    with passing(tenant):
        with schema_of(tenant.schema_name):
            work.enqueue(REMINDER, "key:20300101", title="Remind", due_at=later)
            work.enqueue("operation", "abc", title="Deploy", due_at=later)
        export_schema(tenant, tmp_path / "x")
        done = import_archive(tmp_path / "x", slug=copy)
        (due,) = Due.objects.filter(schema=done.tenant.schema_name)
        assert (due.kind, due.subject, due.due_at) == (REMINDER, "key:20300101", later)


def test_what_was_under_way_is_closed_where_it_arrives(database: str, tmp_path: Path) -> None:
    tenant, path = new_tenant("console"), tmp_path / "x"
    with passing(tenant):
        with schema_of(tenant.schema_name):
            _under_way()
        export_schema(tenant, path)
        remove(tenant)
        done = import_archive(path)
        assert done.notes == ("1 instance has no containers here: deploy it again.",)
        with schema_of(tenant.schema_name):
            operation = Operation.objects.get()
            assert (operation.status, operation.steps.get().status) == ("failed", "failed")
            assert "under way where this came from" in operation.cause
            assert Verification.objects.get().state == "failed"
            instance = Instance.objects.get()
            assert (instance.status, instance.environment) == ("failed", {"A": "b"})
            assert Endpoint.objects.get().status == "active"
            told = list(Event.objects.order_by("id").values_list("type", flat=True))
            assert told[-2:] == ["tenant.imported", "operation.failed"]
            # Its subject is free again.
            operations.start(operation.name, subject=Subject("mast", "1", "Mast"), actor=SYSTEM)


def test_a_copy_under_another_name_keeps_quiet(database: str, tmp_path: Path, copy: str) -> None:
    tenant, path = new_tenant(), tmp_path / "x"
    with passing(tenant):
        with schema_of(tenant.schema_name):
            Endpoint.objects.create(url="https://receiver.example/", secret="sealed")
            HeldGrant.objects.update_or_create(defaults={"serial": 57})
        export_schema(tenant, path)
        done = import_archive(path, slug=copy)
        assert "Its webhooks are paused, since it came under another name." in done.notes
        with schema_of(done.tenant.schema_name):
            assert Endpoint.objects.get().status == "paused"
            # The next platform counts its grants from one.
            assert HeldGrant.objects.get().serial == 0


def _under_way() -> None:
    """An operation with a step that runs, a proof of the log, an instance, a webhook."""
    name = pipeline(step("dig", lambda _run: None))
    operation = operations.start(name, subject=Subject("mast", "1", "Mast"), actor=SYSTEM)
    operation.steps.update(status="running")
    Operation.objects.update(status="running")
    start_verification(actor=SYSTEM)
    Endpoint.objects.create(url="https://receiver.example/", secret="sealed")
    Instance.objects.create(
        name="Shop",
        app="shop",
        hosting="dedicated",
        status="active",
        hostname=f"{uuid4().hex[:8]}.apps.localhost",
        environment={"A": "b"},
    )
