"""What the operator's mail servers, its channels and its tenants' releases stand at."""

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone

from apps.accounts.access import who_may
from apps.accounts.languages import language_of
from apps.alerts.constants import MAIL_PATIENCE, PATIENCE
from apps.alerts.kinds import NOT_MIGRATED
from apps.alerts.models import Alert, AlertChannel, MailPath
from apps.branding.outcomes import when_sending_ends
from apps.core.languages import speaking
from apps.events import services as events
from apps.events.actors import SYSTEM, Subject
from apps.notifications.services import notify
from apps.tenancy.kinds import PUBLIC, current_schema, operator
from apps.tenancy.models import FailedMigration

_WELL = {"failing_since": None, "refusals": 0, "last_error": "", "told_at": None}


@when_sending_ends
def note_mail(is_own: bool, why: str) -> None:
    """Keep since when a server of the operator takes no mail; those of ISPs are theirs."""
    if is_own and current_schema() != PUBLIC:
        return
    name = MailPath.Name.SENDER if is_own else MailPath.Name.INSTALLATION
    if why:
        _note_refusal(name, why)
    else:
        _note_success(name)


def tell_of_mail() -> int:
    """Record which servers have taken nothing for too long; returns how many that are new."""
    now = timezone.now()
    silent = MailPath.objects.filter(failing_since__lte=now - MAIL_PATIENCE, told_at=None)
    return sum(_tell_of_path(path) for path in silent)


def tell_of_channels() -> int:
    """Record which channels have taken nothing for a day; returns how many that are new."""
    now = timezone.now()
    silent = AlertChannel.objects.filter(
        is_on=True, failing_since__lte=now - PATIENCE, told_at=None
    )
    return sum(_tell_of_channel(channel) for channel in silent)


def tell_of_migrations() -> int:
    """Tell of tenants that could not be migrated, once for each time; returns how many people."""
    newest = FailedMigration.objects.order_by("-failed_at").first()
    if newest is None:
        return 0
    key = newest.failed_at.isoformat()
    if Alert.objects.filter(kind=NOT_MIGRATED.key, key=key).exists():
        return 0
    data = {"count": FailedMigration.objects.count()}
    url = reverse("admin:tenancy_failedmigration_changelist")
    people = who_may("tenants.releases")
    return notify(NOT_MIGRATED, people, key=key, data=data, url=url, about="tenants")


def forget_sender() -> None:
    """Nothing is known of the operator's own server any more: it is another one, or off."""
    MailPath.objects.filter(name=MailPath.Name.SENDER).update(**_WELL)


def _note_refusal(name: str, why: str) -> None:
    # Its table is everybody's, so it is written from whatever schema sends.
    MailPath.objects.bulk_create([MailPath(name=name)], ignore_conflicts=True)
    MailPath.objects.filter(name=name).update(
        failing_since=Coalesce("failing_since", timezone.now()),
        refusals=F("refusals") + 1,
        last_error=why[:200],
    )


def _note_success(name: str) -> None:
    path = MailPath.objects.filter(name=name, failing_since__isnull=False).first()
    if path is None:
        return
    with transaction.atomic(), operator():
        rows = MailPath.objects.filter(pk=path.pk, failing_since=path.failing_since)
        was_told = rows.filter(told_at__isnull=False).exists()
        if rows.update(**_WELL) and was_told:
            events.record("mail.recovered", actor=SYSTEM, subject=_subject(path))


@transaction.atomic
def _tell_of_path(path: MailPath) -> bool:
    now = timezone.now()
    rows = MailPath.objects.filter(pk=path.pk, failing_since=path.failing_since, told_at=None)
    if not (path.failing_since and rows.update(told_at=now)):
        return False
    minutes = int((now - path.failing_since).total_seconds() // 60)
    data = {"minutes": minutes, "error": path.last_error}
    events.record("mail.refused", actor=SYSTEM, subject=_subject(path), data=data)
    return True


@transaction.atomic
def _tell_of_channel(channel: AlertChannel) -> bool:
    rows = AlertChannel.objects.filter(pk=channel.pk, told_at=None, failing_since__isnull=False)
    if not rows.update(told_at=timezone.now()):
        return False
    data = {"error": channel.last_error, "since": channel.failing_since}
    events.record("alert_channel.failing", actor=SYSTEM, subject=channel, data=data)
    return True


def _subject(path: MailPath) -> Subject:
    with speaking(language_of(None)):
        return Subject("mail_path", path.name, str(path))
