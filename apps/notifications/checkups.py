"""Whether mails leave: what waits for long, and how many addresses are refused."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from apps.core.health import SOON_S, Finding, check, problem, warning
from apps.notifications.models import Delivery, Suppressed
from apps.notifications.services import KIND
from apps.work.models import Due

_LATE = timedelta(hours=1)
_WEEK = timedelta(days=7)
# Receivers' mail servers begin to refuse a sender at about one in ten.
_FEW, _SHARE, _MOST = 20, 5, 10
# Mails that somebody waits for (branding.post), and all others, of every schema.
_KINDS = ("mail", KIND)
_OPEN = (Due.State.QUEUED, Due.State.WAITING, Due.State.RUNNING)


@check("mail.queue", _("Mails that wait"), runbook="mails-do-not-leave", every_s=SOON_S)
def _queued() -> Iterator[Finding]:
    late = Due.objects.filter(kind__in=_KINDS, state__in=_OPEN, created_at__lt=Now() - _LATE)
    count = late.count()
    if count:
        yield warning(
            gettext_noop("{count} messages have waited for more than an hour."),
            gettext_noop("Open “Work” in the admin and look at the newest: its reason says why."),
            count=count,
        )


@check("mail.suppressed", _("Addresses that refuse mails"), runbook="mails-do-not-leave")
def _suppressed() -> Iterator[Finding]:
    refused = Suppressed.objects.filter(since__gt=Now() - _WEEK).count()
    sent = Delivery.objects.filter(sent_at__gt=Now() - _WEEK, channel="email").count()
    share = 100 * refused // max(sent, 1)
    if sent < _FEW or share < _SHARE:
        return
    found = problem if share >= _MOST else warning
    yield found(
        gettext_noop("{share} percent of the operator's mails of a week were refused for good."),
        gettext_noop("Look at “Suppressed addresses”, and at SPF, DKIM and DMARC under “Sender”."),
        share=share,
    )
