"""Sending what leaves the house; a worker calls it."""

import time
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused

from django.db.models import F
from django.utils import timezone

from apps.accounts.addresses import home_url
from apps.accounts.zones import writing_to
from apps.branding.looks import look_in_force
from apps.branding.mail import compose
from apps.branding.outcomes import names_no_address
from apps.branding.quota import give_mail_back, seconds_to_next_day, take_mail
from apps.core.mailbox import NoServerError
from apps.events.actors import SYSTEM
from apps.notifications.constants import PAUSES_S, SMS
from apps.notifications.exceptions import QuotaError, SendError
from apps.notifications.gateways import texter
from apps.notifications.models import Delivery
from apps.notifications.services import KIND
from apps.notifications.suppression import reason_against, suppress
from apps.work import services as work
from apps.work.leases import Lease
from apps.work.models import Due
from apps.work.registry import runs

# Longer than any message may take; then another worker may have it.
_DEADLINE_S = 60.0
# Two messages of 160 characters, of which each loses 7 when they are joined.
_LONGEST_SMS = 306


@runs(KIND)
def deliver(lease: Lease) -> None:
    """Send one message. A worker that dies between sending and saying so sends it twice."""
    delivery = (
        Delivery.objects.select_related("notification__user")
        .filter(uuid=lease.subject, status=Delivery.Status.QUEUED)
        .first()
    )
    if delivery is None or lease.is_stuck:
        _end(lease, delivery, "Its worker died again and again. The log says why.")
        return
    lease.assert_held()
    lease.works_until = time.monotonic() + _DEADLINE_S
    try:
        _send(delivery)
    except QuotaError as error:
        with lease.atomic():
            rows = Delivery.objects.filter(pk=delivery.pk, status=Delivery.Status.QUEUED)
            rows.update(error=str(error))
            work.postpone(lease, seconds=seconds_to_next_day(), reason=str(error))
        return
    except SendError as error:
        _failed(lease, delivery, error)
        return
    with lease.atomic():
        _update(delivery, status=Delivery.Status.SENT, sent_at=timezone.now(), error="")
        work.finish(lease, Due.State.DONE)


def _send(delivery: Delivery) -> None:
    """SendError where it is not taken. There is no transaction here."""
    with writing_to(delivery.notification.user):
        if delivery.channel == SMS:
            _text(delivery)
        else:
            _mail(delivery)


def _text(delivery: Delivery) -> None:
    gateway = texter()
    if gateway is None:
        raise SendError("There is no SMS gateway any more.", permanent=True)
    name, words = look_in_force().name, delivery.notification.heading
    gateway.send(to=delivery.address, text=f"{name}: {words}"[:_LONGEST_SMS])


def _mail(delivery: Delivery) -> None:
    why = reason_against(delivery.address)
    if why:
        raise SendError(f"The address is suppressed. {why}", permanent=True)
    notification = delivery.notification
    context = {
        "heading": notification.heading,
        "body": notification.body,
        "url": home_url(f"/notifications/{notification.uuid}/"),
        "settings_url": home_url("/notifications/settings/"),
    }
    message = compose(
        "notifications/mail/notice", context, to=[delivery.address], home_url=home_url()
    )
    # A server of their own is nobody else's name.
    is_shared = message.connection is None
    if is_shared and not take_mail():
        raise QuotaError("The day's quota of mails is used up; it goes out tomorrow.")
    try:
        message.send()
    except NoServerError as error:
        _give_back(is_shared=is_shared)
        raise SendError("Not sent: no mail server is set.") from error
    except SMTPRecipientsRefused as error:
        _give_back(is_shared=is_shared)
        codes = [code for code, _why in error.recipients.values()]
        what = "The mail server refused the address"
        raise _refused(delivery, error, codes, what) from error
    except SMTPDataError as error:
        # Some look the address up only when they have read the mail.
        _give_back(is_shared=is_shared)
        what = "The mail server refused the mail"
        raise _refused(delivery, error, [error.smtp_code], what) from error
    except (OSError, SMTPException) as error:
        _give_back(is_shared=is_shared)
        raise SendError(f"The mail server did not take it: {type(error).__name__}") from error


def _refused(delivery: Delivery, error: Exception, codes: list[int], what: str) -> SendError:
    """Why it is not taken; an address that is none is suppressed."""
    if names_no_address(error):
        suppress(delivery.address, reason=f"Refused: {codes[0]}", actor=SYSTEM)
    return SendError(f"{what}: {codes}", permanent=all(code >= 500 for code in codes))


def _give_back(*, is_shared: bool) -> None:
    """What did not leave counts for nobody's day; own servers are not counted at all."""
    if is_shared:
        give_mail_back()


def _failed(lease: Lease, delivery: Delivery, error: SendError) -> None:
    """Try again later, less and less often, or give up."""
    tries = delivery.attempts + 1
    if error.permanent or tries > len(PAUSES_S):
        # Nothing that the operator could do about somebody's address.
        _end(lease, delivery, str(error), Due.State.DONE if error.permanent else Due.State.FAILED)
        return
    with lease.atomic():
        _update(delivery, error=str(error)[:300])
        work.postpone(lease, seconds=PAUSES_S[tries - 1], reason=str(error))


def _end(
    lease: Lease, delivery: Delivery | None, error: str, state: str = Due.State.FAILED
) -> None:
    """Close the work; without a delivery that waits there is nothing to do any more."""
    with lease.atomic():
        if delivery is None:
            work.finish(lease, Due.State.DONE)
            return
        _update(delivery, status=Delivery.Status.FAILED, error=error[:300])
        work.finish(lease, state, reason=error)


def _update(delivery: Delivery, **values: object) -> None:
    """One more try; inside `lease.atomic()`, whose epoch fences it."""
    queued = Delivery.objects.filter(pk=delivery.pk, status=Delivery.Status.QUEUED)
    queued.update(attempts=F("attempts") + 1, **values)
