"""What became of webhooks, on the homes of those who may see their deliveries."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.access import may
from apps.portal.charts import Chart
from apps.portal.counting import by_day
from apps.portal.outcomes import outcomes
from apps.portal.ranges import Range, range_of
from apps.portal.registry import on_admin_home
from apps.webhooks.models import Delivery, Endpoint


@on_admin_home("public")
@on_admin_home("console")
@on_admin_home("workspace")
def home(request: HttpRequest) -> dict[str, Any]:
    """Deliveries by what became of them; nothing where no program is told anything."""
    if not may(request.user, "webhooks.view_delivery") or not Endpoint.objects.exists():
        return {}
    return {"charts": [_deliveries(range_of(request))]}


def _deliveries(picked: Range) -> Chart:
    state = Delivery.State
    return outcomes(
        "webhooks",
        by_day(Delivery.objects.all(), "created_at", picked, group="state"),
        (
            (state.DELIVERED, _("Delivered"), "ok"),
            (state.FAILED, _("Failed"), "bad"),
            (state.PENDING, _("Waiting"), "idle"),
        ),
        picked,
        title=_("Webhooks: %(delivered)s delivered, %(failed)s failed"),
        about=_("Webhooks sent to other programs, %(per)s") % {"per": picked.per},
        unit=_("deliveries"),
        url=reverse("admin:webhooks_delivery_changelist"),
        empty=_("Nothing was to be sent in this time."),
        order=75,
    )
