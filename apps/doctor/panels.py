"""How a problem is shown on the operator's list of work."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.access import may
from apps.core.exceptions import ConflictError
from apps.core.health import OK
from apps.doctor import services
from apps.doctor.constants import KIND, RUN
from apps.doctor.models import CheckState
from apps.events.actors import user_actor
from apps.work.registry import Detail, shows


def _context(subject: str) -> dict[str, Any]:
    row = CheckState.objects.filter(name=subject).first() or CheckState(name=subject)
    said = " ".join(f"{one.said} {one.advised}" for one in row.found)
    return {
        "operation": {
            "id": subject,
            "title": _("Health: {title}").format(title=row.title),
            "status": "succeeded" if row.status == OK else "failed",
            "cause": said,
        },
        "steps": [],
    }


def _steer(subject: str, what: str, user: Any) -> str:
    """To repeat it is to look again."""
    if what != "retry" or not may(user, RUN):
        return _("A problem goes from the list when its check is well again.")
    try:
        services.start_checkup(actor=user_actor(user))
    except ConflictError as error:
        return error.message
    return ""


# Counted in one line of the first page; that they are told of is the doctor's own affair.
shows(
    KIND,
    Detail(
        _context, _steer, together=gettext_lazy("Problems of the platform in 7 days: %(count)s")
    ),
)
