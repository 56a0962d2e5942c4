"""A delivery on the operator's list of work."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.notifications import services
from apps.notifications.models import Delivery
from apps.work.registry import Detail, shows

_STATUS = {Delivery.Status.SENT: "done", Delivery.Status.FAILED: "failed"}

_UNDELIVERED = gettext_lazy("Messages that were not delivered in 7 days: %(count)s")


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
