"""How many mails a level sends in a day (UTC), so that one of many cannot spoil the others' name.

Mails that somebody needs to sign in have a bound of their own, far above the other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.branding.models import MailDay
from apps.events import services as events
from apps.events.actors import SYSTEM, Subject

Source = Callable[[], int | None]
REACHED = "mail_quota.reached"
KEPT = timedelta(days=90)
_WARNED_AT = (80, 100)
_sources: list[Source] = []


@dataclass(frozen=True)
class Quota:
    """What is sent today, and the bound."""

    sent: int
    limit: int

    @property
    def percent(self) -> int:
        """Whole percents of the bound."""
        return min(100, 100 * self.sent // self.limit) if self.limit else 100


def quota_source(source: Source) -> Source:
    """Register who knows the plan's bound in the current schema; None where it does not."""
    _sources.append(source)
    return source


def quota_today() -> Quota:
    """How far the current schema is today."""
    sent = MailDay.objects.filter(day=_today()).values_list("sent", flat=True).first()
    return Quota(sent or 0, _limit())


def take_mail(*, is_security: bool = False) -> bool:
    """Count one mail of today; False where the bound is reached, and then nothing is counted."""
    field = "security" if is_security else "sent"
    limit = settings.SECURITY_MAILS_PER_DAY if is_security else _limit()
    with transaction.atomic():
        day, is_new = MailDay.objects.get_or_create(day=_today())
        if is_new:
            MailDay.objects.filter(day__lt=day.day - KEPT).delete()
        # One statement compares and counts, so that two at once are never one too many.
        rows = MailDay.objects.filter(pk=day.pk, **{f"{field}__lt": limit})
        if not rows.update(**{field: F(field) + 1}):
            return False
        if not is_security:
            _warn(day.pk, limit)
    return True


def give_mail_back(*, is_security: bool = False) -> None:
    """One that was counted did not leave."""
    field = "security" if is_security else "sent"
    rows = MailDay.objects.filter(day=_today(), **{f"{field}__gt": 0})
    rows.update(**{field: F(field) - 1})


def seconds_to_next_day() -> float:
    """Until the count begins anew."""
    begin = datetime.combine(_today() + timedelta(days=1), time.min, UTC)
    return max(1.0, (begin - timezone.now()).total_seconds())


def _warn(pk: int, limit: int) -> None:
    """Tell once a day at each mark; the event's reaction tells the owners."""
    sent = MailDay.objects.values_list("sent", flat=True).get(pk=pk)
    for percent in _WARNED_AT:
        if sent * 100 >= limit * percent:
            rows = MailDay.objects.filter(pk=pk, warned__lt=percent)
            if rows.update(warned=percent):
                about = Subject("mail_quota", f"{_today()}", f"{_today()}")
                data = {"sent": sent, "limit": limit, "percent": percent}
                events.record(REACHED, actor=SYSTEM, subject=about, data=data)


def _limit() -> int:
    known = (source() for source in _sources)
    limit = next((found for found in known if found is not None), None)
    return settings.MAILS_PER_DAY if limit is None else limit


def _today() -> date:
    return timezone.now().astimezone(UTC).date()
