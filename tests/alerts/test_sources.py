"""What becomes an alert: failed work of every schema, faulty records, migrations, webhooks."""

from uuid import uuid4

from django.utils import timezone

from apps.accounts.models import User
from apps.alerts import watching
from apps.alerts.models import Alert, AlertChannel
from apps.alerts.services import forget_old
from apps.events import services as events
from apps.events import verifications
from apps.events.actors import SYSTEM, Subject
from apps.events.models import Event
from apps.events.verifying import Finding, Report
from apps.notifications.models import Notification
from apps.tenancy.kinds import operator, schema_of
from apps.tenancy.models import FailedMigration
from apps.work import services as work
from tests.alerts.conftest import later
from tests.conftest import Isp
from tests.notifications.conftest import show_events


def alerts() -> list[tuple[str, str]]:
    with operator():
        return [(one.kind, one.heading) for one in Alert.objects.order_by("pk")]


def test_failed_work_of_an_isp_is_told_with_its_cause(channel: AlertChannel, acme: Isp) -> None:
    with schema_of(acme.console):
        work.note_failure("operation", "1", title="Deploy shop", reason="No image.")
    assert alerts() == [("work.failed", "Failed: Deploy shop")]
    (alert,) = Alert.objects.all()
    assert alert.body == "No image. (c_acme)"
    assert "/admin/work/due/" in alert.url
    # The same once more is the same piece of work that failed another time.
    with schema_of(acme.console):
        work.note_failure("operation", "2", title="Deploy shop", reason="No image.")
    alert.refresh_from_db()
    assert (Alert.objects.count(), alert.repeats) == (1, 1)
    assert Notification.objects.filter(kind="work.failed").count() == 2


def test_deliveries_that_fail_are_counted_and_no_alert(channel: AlertChannel, acme: Isp) -> None:
    with schema_of(acme.console):
        work.note_failure("notification", "1", title="E-mail", reason="Refused.")
        work.note_failure("mail", "2", title="E-mail", reason="Refused.")
    work.note_failure("alert", "3", title="Alert by Slack", reason="It answered 500.")
    assert alerts() == []


def test_a_record_that_does_not_prove_is_critical_whosever_it_is(
    channel: AlertChannel, olga: User, acme: Isp
) -> None:
    with schema_of(acme.console):
        row = verifications.start_verification(actor=SYSTEM)
        verifications.end(row, Report(events=3, findings=[Finding("changed", 2, "Event 2.")]))
    show_events(acme.console)
    assert alerts() == [("log.faulty", "The record of c_acme does not prove")]
    assert Alert.objects.get().severity == "critical"
    assert Notification.objects.filter(user=olga, kind="log.faulty").exists()


def test_one_that_proves_is_nothing(channel: AlertChannel, acme: Isp) -> None:
    with schema_of(acme.console):
        row = verifications.start_verification(actor=SYSTEM)
        verifications.end(row, Report(events=3))
        assert not Event.objects.filter(type="log.faulty").exists()


def test_a_log_that_was_cut_back_is_critical(channel: AlertChannel) -> None:
    work.note_failure("log", "1", title="The event log of Acme was cut back", reason="9, now 3.")
    assert alerts() == [("log.cut_back", "The event log of Acme was cut back")]
    later(minutes=16)
    work.note_failure("log", "1", title="The event log of Acme was cut back", reason="3, now 2.")
    assert len(alerts()) == 2


def test_tenants_that_were_not_migrated_are_told_once_each_time(channel: AlertChannel) -> None:
    assert watching.tell_of_migrations() == 0
    FailedMigration.objects.create(schema="c_acme", error="No.", failed_at=timezone.now())
    watching.tell_of_migrations()
    watching.tell_of_migrations()
    assert alerts() == [
        ("tenants.not_migrated", "Tenants that could not be migrated: 1"),
    ]


def test_the_operator_s_own_webhook_is_one_and_an_isp_s_is_not(
    channel: AlertChannel, acme: Isp
) -> None:
    about = Subject("endpoint", str(uuid4()), "CRM")
    for schema in ("public", acme.console):
        with schema_of(schema):
            events.record("webhook.disabled", actor=SYSTEM, subject=about, data={"reason": "Gone."})
        show_events(schema)
    assert alerts() == [("webhook.disabled", "Webhooks to CRM are switched off")]


def test_alerts_of_long_ago_are_forgotten(channel: AlertChannel) -> None:
    work.note_failure("demo", "1", title="Renew", reason="")
    assert forget_old() == 0
    later(days=91)
    assert forget_old() > 0
    assert not Alert.objects.exists()
