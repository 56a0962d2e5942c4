"""What of mails is past its time, and what is begun once a day."""

from django.db.models import QuerySet
from django.utils import timezone

from apps.branding.domain_state import mail_domain
from apps.branding.models import MailDay, PostedMail, Sender
from apps.branding.post import GIVEN_UP_AFTER
from apps.branding.quota import KEPT
from apps.branding.senders import CHECK, ONLY, call_for_check
from apps.core.sealed import seals
from apps.tenancy.kinds import current_schema
from apps.tenancy.transfer.registry import leaves_out
from apps.work.constants import OPEN
from apps.work.models import Due
from apps.work.registry import cleans, forgets

# They hold links that let people in, and are sent from where somebody waits for them.
leaves_out("branding.PostedMail")


@forgets
def _posted() -> QuerySet[PostedMail]:
    """What its worker could not even give up: it holds links that let people in."""
    return PostedMail.objects.filter(created_at__lt=timezone.now() - 4 * GIVEN_UP_AFTER)


@forgets
def _days() -> QuerySet[MailDay]:
    return MailDay.objects.filter(day__lt=(timezone.now() - KEPT).date())


@cleans
def _look_at_domain() -> None:
    """Where nobody does yet: since before this was looked at daily, or since an import."""
    rows = Due.objects.filter(schema=current_schema(), kind=CHECK, subject=ONLY, state__in=OPEN)
    if mail_domain() and not rows.exists():
        call_for_check()


seals(Sender, "password")
seals(PostedMail, "sealed")
