"""Which checkups are past their time, and what names an organisation that is erased."""

from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from apps.doctor.constants import KEPT_DAYS
from apps.doctor.models import CheckState, Checkup
from apps.tenants.erasing.registry import mentions
from apps.work.registry import forgets

# The next look says anew what is still so.
mentions(CheckState)


@forgets
def _checkups() -> QuerySet[Checkup]:
    return Checkup.objects.filter(started_at__lt=timezone.now() - timedelta(days=KEPT_DAYS))
