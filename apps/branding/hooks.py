"""What of mails is past its time."""

from django.db.models import QuerySet
from django.utils import timezone

from apps.branding.models import MailDay, PostedMail
from apps.branding.post import GIVEN_UP_AFTER
from apps.branding.quota import KEPT
from apps.tenancy.transfer.registry import leaves_out
from apps.work.registry import forgets

# They hold links that let people in, and are sent from where somebody waits for them.
leaves_out("branding.PostedMail")


@forgets
def _posted() -> QuerySet[PostedMail]:
    """What its worker could not even give up: it holds links that let people in."""
    return PostedMail.objects.filter(created_at__lt=timezone.now() - 4 * GIVEN_UP_AFTER)


@forgets
def _days() -> QuerySet[MailDay]:
    return MailDay.objects.filter(day__lt=(timezone.now() - KEPT).date())
