"""What is wrong with work, the record, grants, mails and the fleet is named."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from django.utils import timezone

from apps.core.health import mends_of
from apps.events import services as events
from apps.events.actors import SYSTEM, Subject
from apps.events.models import Event
from apps.fleet.engines import fake_engine
from apps.fleet.models import Certificate, EdgeState, Placement, Server
from apps.notifications.models import Suppressed
from apps.tenancy.kinds import schema_of
from apps.tenancy.models import Domain, Tenant
from apps.tenants.models import Grant
from apps.work.models import Due, Mark
from dotmac.engine import NetworkSpec, VolumeSpec
from tests.conftest import ACME, Isp
from tests.doctor.conftest import Look
from tests.fleet.conftest import make_server
from tests.instances.world import adopt, furnish

NOW = timezone.now


def due(subject: str, *, minutes: int, state: str = "queued") -> Due:
    """Work that was due so many minutes ago."""
    at = NOW() - timedelta(minutes=minutes)
    lease = at if state == "running" else None
    return Due.objects.create(
        schema="c_acme",
        kind="errand",
        subject=subject,
        title="Errand",
        state=state,
        due_at=at,
        lease_until=lease,
        created_at=at,
    )


def test_a_queue_that_stands_still_is_a_problem_and_can_be_woken(look_at: Look) -> None:
    late, held = due("late", minutes=10), due("held", minutes=10, state="running")
    due("fresh", minutes=0)
    found = look_at("queue")
    assert [one.values["count"] for one in found] == [1, 1]
    (mend,) = mends_of("queue")
    assert mend.run() >= 2
    held.refresh_from_db()
    late.refresh_from_db()
    assert held.state == "queued"
    assert late.woken_at is not None


def test_without_clock_and_workers_both_are_named(look_at: Look) -> None:
    assert "manage.py clock" in look_at("clock")[0].advised
    assert "manage.py qcluster" in look_at("workers")[0].advised


def test_events_that_nobody_seals_are_named_with_their_schema(look_at: Look, acme: Isp) -> None:
    with schema_of(acme.workspace):
        events.record("thing.done", actor=SYSTEM, subject=Subject("thing", "1"))
        assert look_at("events.sealing") == []
        Event.objects.update(at=NOW() - timedelta(hours=1))
    (found,) = look_at("events.sealing")
    assert acme.workspace in found.said


def test_a_record_that_is_shorter_than_its_mark_is_named(look_at: Look, acme: Isp) -> None:
    Mark.objects.create(schema=acme.console, number=7, chain="x", signature="x")
    (found,) = look_at("events.marks")
    assert acme.console in found.said


def test_grants_that_are_late_or_end_are_told(look_at: Look) -> None:
    furnish()
    organisation = adopt(ACME)
    grant = Grant.objects.create(
        organisation=organisation,
        expires_at=NOW() + timedelta(days=10),
        pushed_at=NOW() - timedelta(days=3),
    )
    assert [one.status for one in look_at("grants")] == ["warning"]
    Grant.objects.filter(pk=grant.pk).update(expires_at=NOW() + timedelta(days=1))
    (found,) = look_at("grants")
    assert found.status == "problem"
    assert ACME.slug in found.said


def test_an_edge_that_stays_behind_is_a_problem(look_at: Look) -> None:
    late = NOW() - timedelta(minutes=5)
    EdgeState.objects.update_or_create(
        name="local", defaults={"wanted": 9, "applied": 3, "applied_at": late}
    )
    assert [one.status for one in look_at("edge")] == ["problem"]


def test_certificates_are_told_by_what_is_left(look_at: Look, tmp_path: Path) -> None:
    for days in (-1, 3, 10, 60):
        Certificate.objects.create(
            name=f"{days} days", hostnames=[], expires_at=NOW() + timedelta(days=days)
        )
    lost = str(tmp_path / "gone.pem")
    Certificate.objects.create(name="lost", certificate_path=lost, key_path=lost)
    found = {one.values.get("name", "files"): one.status for one in look_at("certificates")}
    assert found == {
        "-1 days": "problem",
        "3 days": "problem",
        "10 days": "warning",
        "files": "problem",
    }


def test_a_workspace_without_a_route_is_named(look_at: Look, acme: Isp) -> None:
    # One that was made just now may have none yet.
    Tenant.objects.update(created_at=NOW())
    assert look_at("routes") == []
    tenant = Domain.objects.get(domain=acme.workspace_host).tenant
    Tenant.objects.filter(pk=tenant.pk).update(created_at=NOW() - timedelta(hours=1))
    (found,) = look_at("routes")
    assert acme.workspace_host in found.said


def test_servers_that_are_away_full_or_off_in_time_are_named(look_at: Look) -> None:
    server = make_server()
    host = fake_engine(server.name).host
    host.info = replace(host.info, disk_free_bytes=1024**3, clock=NOW() - timedelta(minutes=2))
    assert {one.status for one in look_at("hosts.disk")} == {"problem"}
    assert len(look_at("hosts.disk")) == 2
    host.unreachable = True
    assert [one.status for one in look_at("hosts.disk")] == ["warning"]
    Server.objects.update(status="unreachable", status_note="No answer.")
    assert server.name in look_at("hosts")[0].said
    assert look_at("hosts.disk") == []


def test_what_runs_for_nobody_is_named_and_left_alone(look_at: Look) -> None:
    server = make_server()
    engine = fake_engine(server.name)
    labels = {"dotmac.instance": uuid4().hex}
    engine.ensure_network(NetworkSpec("dm-left-front", internal=True, labels=labels))
    engine.ensure_volume(VolumeSpec("dm-left-data", labels=labels))
    engine.ensure_volume(VolumeSpec("somebody-elses", labels={}))
    (found,) = look_at("hosts.orphans")
    assert found.values["count"] == 2
    assert "somebody-elses" not in found.said
    assert len(engine.volumes({})) == 2


def test_placements_without_an_instance_are_named(look_at: Look) -> None:
    Placement.objects.create(schema="c_acme", instance=uuid4(), instance_name="Ghost")
    (found,) = look_at("placements")
    assert "Ghost" in found.said


def test_mails_that_wait_are_told(look_at: Look) -> None:
    row = due("mail", minutes=120)
    Due.objects.filter(pk=row.pk).update(kind="notification")
    assert [one.status for one in look_at("mail.queue")] == ["warning"]
    # A few refusals of a handful of mails say nothing.
    Suppressed.objects.create(address="gone@example.net")
    assert look_at("mail.suppressed") == []


def test_what_renews_itself_is_told_by_its_own_alert(look_at: Look, tmp_path: Path) -> None:
    now = timezone.now()
    soon, file = now + timedelta(days=3), str(tmp_path / "none.pem")
    for name, ends, warn in (("renewed", soon, now), ("by-hand", soon, None), ("over", now, None)):
        Certificate.objects.create(name=name, expires_at=ends, warn_at=warn)
    Certificate.objects.create(
        name="lost", expires_at=soon, warn_at=now, certificate_path=file, key_path=file
    )
    told = {str(one.values.get("name", "files")): one.is_told for one in look_at("certificates")}
    assert told == {"by-hand": False, "files": False, "lost": True, "over": True, "renewed": True}


def test_images_of_ours_that_a_server_lacks_are_named(look_at: Look) -> None:
    furnish()
    assert look_at("images") == []
    fake_engine("one").host.missing_images |= {"dotmac/app:0.1.0", "example/shop:1.0"}
    (found,) = look_at("images")
    assert found.values == {"name": "one", "images": "dotmac/app:0.1.0"}
    Server.objects.update(status=Server.Status.UNREACHABLE)
    assert look_at("images") == []
