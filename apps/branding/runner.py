"""Sending what was posted, and looking at the domain of mails once a day; a worker calls it."""

import secrets
import time
from datetime import timedelta
from smtplib import SMTPException, SMTPRecipientsRefused

from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_noop

from apps.branding.domain_state import look_at_domain, mail_domain
from apps.branding.guests import why_suppressed
from apps.branding.mail import send_now
from apps.branding.models import PostedMail
from apps.branding.outcomes import names_no_address, note_no_address
from apps.branding.post import GIVEN_UP_AFTER, KIND, message_of, pause_s
from apps.branding.senders import CHECK
from apps.work import services as work
from apps.work.leases import Lease
from apps.work.models import Due
from apps.work.registry import runs
from apps.work.words import words
from dotmac.crypto.fields import CipherError

# Longer than both servers that may be asked take together; then another worker may have it.
_DEADLINE_S = 60.0
_DAY_S = int(timedelta(days=1).total_seconds())
# Sooner where a name server was away. The spread keeps those of all schemas from one moment.
_SILENT_S = int(timedelta(hours=2).total_seconds())
_SPREAD_S = int(timedelta(hours=1).total_seconds())


@runs(KIND)
def deliver(lease: Lease) -> None:
    """Send one mail. A worker that dies between sending and saying so sends it twice."""
    mail = PostedMail.objects.filter(uuid=lease.subject).first()
    if mail is None:
        with lease.atomic():
            work.finish(lease, Due.State.DONE)
        return
    why = _send(lease, mail)
    if not why:
        _end(lease, mail, Due.State.DONE)
    elif mail.created_at + GIVEN_UP_AFTER < timezone.now() or lease.is_stuck:
        _end(lease, mail, Due.State.FAILED, why)
    else:
        with lease.atomic():
            PostedMail.objects.filter(pk=mail.pk).update(tries=F("tries") + 1)
            work.postpone(lease, seconds=pause_s(mail.tries + 1), reason=why)


def _send(lease: Lease, mail: PostedMail) -> str:
    """Nothing when it is done with, else why not. There is no transaction here."""
    lease.assert_held()
    lease.works_until = time.monotonic() + _DEADLINE_S
    try:
        message = message_of(mail)
        if message.is_for_guest and any(why_suppressed(address) for address in message.to):
            return ""
        return send_now(message)
    except SMTPRecipientsRefused as error:
        # Nothing that anybody here could do about somebody's address.
        if names_no_address(error):
            note_no_address(error)
        is_final = all(code >= 500 for code, _why in error.recipients.values())
        return "" if is_final else "The mail server does not take it now."
    except CipherError:
        return "The key that it is encrypted with is missing."
    except (OSError, SMTPException) as error:
        return f"The mail server did not take it: {type(error).__name__}"


def _end(lease: Lease, mail: PostedMail, state: str, reason: str = "") -> None:
    """Forget it: what it says lets people in."""
    with lease.atomic():
        mail.delete()
        work.finish(lease, state, reason=reason)


@runs(CHECK)
def look(lease: Lease) -> None:
    """Ask, keep what was answered, and come again tomorrow; or end where there is no domain."""
    domain = mail_domain()
    keep = look_at_domain(domain) if domain else None
    with lease.atomic():
        state = keep() if keep else None
        if mail_domain() != domain:
            # Who saves another waits for the lock of this work, so that nothing is missed.
            work.postpone(lease, seconds=0, reason="")
        elif state is None:
            work.finish(lease, Due.State.DONE)
        else:
            rest_s = (_SILENT_S if state.silent_since else _DAY_S) + secrets.randbelow(_SPREAD_S)
            reason = words(gettext_noop("It is looked at once a day."))
            work.postpone(lease, seconds=rest_s, reason=reason)
