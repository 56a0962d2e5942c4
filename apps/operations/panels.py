"""How the operator sees an operation of any schema, and what a home shows of one's own."""

from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.access import may, narrow
from apps.core.exceptions import ConflictError
from apps.events.actors import user_actor
from apps.operations import services
from apps.operations.models import Operation
from apps.operations.pages import operation_context
from apps.operations.services import KIND
from apps.portal.charts import Chart, Stat, compared
from apps.portal.counting import two_ranges
from apps.portal.outcomes import outcomes
from apps.portal.ranges import Range, range_of
from apps.portal.registry import on_admin_home
from apps.work.registry import Detail, shows

_FAILED = Q(status=Operation.Status.FAILED)


def _context(subject: str) -> dict[str, Any]:
    context = operation_context(Operation.objects.get(uuid=subject))
    # What comes next lies on another host, where the operator has no account.
    return {**context, "ws_path": "", "next_url": "", "crumbs": []}


def _steer(subject: str, what: str, user: Any) -> str:
    operation = Operation.objects.get(uuid=subject)
    act = services.cancel if what == "cancel" else services.retry
    try:
        act(operation, actor=user_actor(user))
    except ConflictError as error:
        return error.message
    return ""


shows(KIND, Detail(_context, _steer))


@on_admin_home("console")
@on_admin_home("workspace")
def home(request: HttpRequest) -> dict[str, Any]:
    """How many operations there were, and how they ended."""
    if not may(request.user, "operations.view"):
        return {}
    rows = narrow(request.user, Operation.objects.all())
    picked, listed = range_of(request), reverse("admin:operations_operation_changelist")
    return {"stats": _stats(rows, picked, listed), "charts": [_outcomes(rows, picked, listed)]}


def _stats(rows: Any, picked: Range, listed: str) -> list[Stat]:
    begun, before = two_ranges(rows, "created_at", picked)
    failed, failed_before = two_ranges(rows.filter(_FAILED), "created_at", picked)
    url = f"{listed}?status__exact=failed"
    return [
        compared(_("Operations"), begun, before, picked, url=listed, order=60),
        compared(
            _("Failed operations"), failed, failed_before, picked, better="less", url=url, order=65
        ),
    ]


def _outcomes(rows: Any, picked: Range, listed: str) -> Chart:
    status = Operation.Status
    return outcomes(
        "operations",
        rows,
        (
            (status.SUCCEEDED, _("Succeeded"), "ok"),
            (status.FAILED, _("Failed"), "bad"),
            (status.CANCELLED, _("Cancelled"), "idle"),
        ),
        picked,
        group="status",
        title=_("Operations: %(succeeded)s succeeded, %(failed)s failed"),
        about=_("How those ended that began, %(per)s") % {"per": picked.per},
        unit=_("operations"),
        url=listed,
        empty=_("No operation ended of those that began in this time."),
        order=60,
    )
