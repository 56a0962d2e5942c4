"""What becomes an alert: failed work of every schema, and events of the operator's own."""

from django.urls import reverse

from apps.accounts.access import who_may
from apps.accounts.models import User
from apps.alerts import kinds
from apps.alerts.models import AlertChannel
from apps.alerts.permissions import MANAGE
from apps.alerts.watching import forget_sender
from apps.events import services as events
from apps.events.models import Event
from apps.notifications.registry import Kind
from apps.notifications.services import KIND as MESSAGE
from apps.notifications.services import notify, row_url, tell
from apps.tenancy.kinds import PUBLIC, current_schema, operator
from apps.work.models import Due
from apps.work.registry import Failure, told_together, when_failed

# Mails that somebody waits for (branding.post).
_MAIL = "mail"
_LOG = "log"


@when_failed
def _tell_of_failure(failure: Failure) -> None:
    """In the transaction that ends the work, whatever its schema: `work_due` is everybody's."""
    kind = _kind_of(failure)
    if kind is None:
        return
    data = {"title": failure.title, "reason": failure.reason, "schema": failure.schema}
    with operator():
        row = Due.objects.get(schema=failure.schema, kind=failure.kind, subject=failure.subject)
        url = reverse("admin:work_due_change", args=[row.pk])
        is_message = kind is kinds.MESSAGE_LOST
        # By its title, since another try is another piece of work; messages are lost together.
        about = "messages" if is_message else f"{failure.schema}:{failure.kind}:{failure.title}"
        people = who_may("mail.manage" if is_message else "work.view")
        # The same row may fail again.
        key = f"{row.pk}:{row.finished_at}"
        notify(kind, people, key=key, data=data, url=url, about=about)


def _kind_of(failure: Failure) -> Kind | None:
    if failure.kind in (_MAIL, MESSAGE):
        return kinds.MESSAGE_LOST if failure.schema == PUBLIC else None
    if failure.kind in told_together():
        return None
    return kinds.LOG_CUT if failure.kind == _LOG else kinds.WORK_FAILED


@events.reacts_to("log.faulty")
def _tell_of_faults(event: Event) -> None:
    """A log that was changed is the operator's matter, whosever it is."""
    schema = current_schema()
    with operator():
        notify(
            kinds.LOG_FAULTY,
            who_may("record.view"),
            key=str(event.uuid),
            data={"schema": schema, "findings": event.data["findings"]},
            url=reverse("admin:index"),
            about=f"log:{schema}",
        )


@events.reacts_to("address.suppressed")
def _tell_of_address(event: Event) -> None:
    """Only of the staff's own, without naming anybody."""
    if current_schema() != PUBLIC:
        return
    address = event.subject_label
    if User.objects.filter(email=address.lower(), is_staff=True, is_active=True).exists():
        url = reverse("admin:notifications_suppressed_changelist")
        notify(
            kinds.STAFF_ADDRESS,
            who_may("suppressions.manage"),
            key=str(event.uuid),
            data={},
            url=url,
        )


@events.reacts_to("sender.changed")
def _look_again(_event: Event) -> None:
    if current_schema() == PUBLIC:
        forget_sender()


@events.reacts_to("mail.refused", "mail.recovered")
def _tell_of_mail(event: Event) -> None:
    is_over = event.type == "mail.recovered"
    kind = kinds.MAIL_RECOVERED if is_over else kinds.MAIL_REFUSED
    url = reverse("admin:branding_sender_changelist")
    tell(kind, event, people=who_may("mail.manage"), url=url, server=event.subject_label)


@events.reacts_to("alert_channel.failing", "alert_channel.recovered")
def _tell_of_channel(event: Event) -> None:
    is_over = event.type == "alert_channel.recovered"
    kind = kinds.CHANNEL_WORKS if is_over else kinds.CHANNEL_FAILS
    url = row_url(AlertChannel, event.subject_id, "alerts_alertchannel")
    tell(kind, event, people=who_may(MANAGE), url=url, channel=event.subject_label)
