"""Whether the logs of all schemas are sealed in time, on the operator's first page."""

from typing import Any

from django.db.models import Count, Max, Min
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.translation import gettext as _

from apps.core.languages import grouped
from apps.events.services import SIGNAL
from apps.portal.charts import Stat
from apps.portal.registry import on_admin_home
from apps.work.models import Signal

# Sealing takes a second; a transaction that stays open holds it up.
_LATE_S = 60


@on_admin_home("public")
def operator_home(request: HttpRequest) -> dict[str, Any]:
    """For those who see the work of all schemas."""
    if not request.user.has_perm("work.view"):
        return {}
    notes = Signal.objects.filter(kind=SIGNAL)
    found = notes.aggregate(count=Count("pk"), oldest=Min("at"), now=Max(Now()))
    lag_s = (found["now"] - found["oldest"]).total_seconds() if found["count"] else 0
    note = _("The oldest for %(seconds)s s") % {"seconds": grouped(int(lag_s))}
    stat = Stat(
        _("Events to seal"),
        grouped(found["count"]),
        note=note if found["count"] else _("All are sealed"),
        tone="bad" if lag_s > _LATE_S else "",
        order=84,
    )
    return {"stats": [stat]}
