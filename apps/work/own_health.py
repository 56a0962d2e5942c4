"""Whether the platform's own workers and clock keep up, on the operator's first page."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db.models import Count, Max, Min
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core.languages import grouped
from apps.portal.charts import Stat
from apps.work import beats
from apps.work.models import Beat, Due

# What waits so long for a worker needs a person, not patience.
_LATE = timedelta(minutes=5)


def stats(work: str) -> list[Stat]:
    """How much is due and since when, and when the clock last did something."""
    waiting = Due.objects.filter(state__in=[Due.State.QUEUED, Due.State.WAITING])
    found = waiting.filter(due_at__lte=Now()).aggregate(
        count=Count("pk"), oldest=Min("due_at"), now=Max(Now())
    )
    oldest_s = (found["now"] - found["oldest"]).total_seconds() if found["count"] else 0
    note = _("The oldest for %(seconds)s s") % {"seconds": grouped(int(oldest_s))}
    is_late = oldest_s > _LATE.total_seconds()
    return [
        Stat(
            _("Work that is due"),
            grouped(found["count"]),
            note=note if found["count"] else _("Workers keep up"),
            tone="bad" if is_late else "",
            url=f"{work}?state__exact=queued",
            order=82,
        ),
        _clock(),
    ]


def _clock() -> Stat:
    age_s = beats.since_any_s()
    duties = Beat.objects.exclude(ticked_at=None).count()
    note = ngettext("%(count)s duty", "%(count)s duties", duties) % {"count": duties}
    if age_s is None:
        return Stat(_("Clock"), _("Never"), note=note, order=88)
    is_still = age_s > beats.STILL_S
    value = _("%(seconds)s s ago") % {"seconds": grouped(int(age_s))}
    return Stat(_("Clock"), value, note=note, tone="bad" if is_still else "", order=88)


def needs(work: str) -> Iterator[dict[str, Any]]:
    """A clock that stands still, and work that no worker takes."""
    age_s = beats.since_any_s()
    if age_s is not None and age_s > beats.STILL_S:
        minutes = {"minutes": grouped(int(age_s // 60) or 1)}
        title = _("The clock has stood still for %(minutes)s min") % minutes
        text = _("Nothing is woken, sealed or probed meanwhile. Start the process “clock”.")
        yield {"title": title, "text": text, "url": work, "done": False, "tone": "bad"}
    late = Due.objects.filter(
        state__in=[Due.State.QUEUED, Due.State.WAITING], due_at__lte=Now() - _LATE
    )
    count = late.count()
    if count:
        said = ngettext(
            "%(count)s piece of work is due and no worker takes it",
            "%(count)s pieces of work are due and no worker takes them",
            count,
        )
        text = _("See that the process “worker” runs, and what its log says.")
        url = f"{work}?state__exact=queued"
        title = said % {"count": grouped(count)}
        yield {"title": title, "text": text, "url": url, "done": False, "tone": "bad"}
