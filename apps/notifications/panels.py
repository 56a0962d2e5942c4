"""A delivery on the operator's list of work, and what became of all of them on a home."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.access import may
from apps.notifications import services
from apps.notifications.models import Delivery
from apps.portal.charts import Chart
from apps.portal.counting import by_day
from apps.portal.outcomes import outcomes
from apps.portal.ranges import Range, range_of
from apps.portal.registry import on_admin_home
from apps.work.registry import Detail, shows

_STATUS = {Delivery.Status.SENT: "done", Delivery.Status.FAILED: "failed"}


def _context(subject: str) -> dict[str, Any]:
    delivery = Delivery.objects.select_related("notification").get(uuid=subject)
    status = Delivery.Status(delivery.status)
    return {
        "operation": {
            "id": subject,
            "title": f"{delivery.get_channel_display()}: {delivery.notification.about.title}",
            "status": _STATUS.get(status, "waiting"),
            "cause": delivery.error if status == Delivery.Status.FAILED else "",
            "waiting_for": delivery.error,
            "can_retry": status == Delivery.Status.FAILED,
        },
        "steps": [],
    }


def _steer(subject: str, what: str, user: Any) -> str:
    delivery = Delivery.objects.get(uuid=subject)
    if what == "retry" and services.send_again(delivery):
        return ""
    return _("Only a delivery that failed can be sent again.")


shows(
    services.KIND,
    Detail(
        _context,
        _steer,
        together=gettext_lazy("Messages that were not delivered in 7 days: %(count)s"),
    ),
)


@on_admin_home("public")
@on_admin_home("console")
@on_admin_home("workspace")
def home(request: HttpRequest) -> dict[str, Any]:
    """Deliveries by what became of them; for owners, as their list is."""
    if not may(request.user, "notifications.view_delivery"):
        return {}
    return {"charts": [_deliveries(range_of(request))]}


def _deliveries(picked: Range) -> Chart:
    status = Delivery.Status
    return outcomes(
        "deliveries",
        by_day(Delivery.objects.all(), "created_at", picked, group="status"),
        (
            (status.SENT, _("Sent"), "ok"),
            (status.FAILED, _("Failed"), "bad"),
            (status.QUEUED, _("Waiting"), "idle"),
        ),
        picked,
        title=_("Messages: %(sent)s sent, %(failed)s failed"),
        about=_("Mails and text messages %(per)s") % {"per": picked.per},
        unit=_("messages"),
        url=reverse("admin:notifications_delivery_changelist"),
        empty=_("No message left in this time."),
        order=70,
    )
