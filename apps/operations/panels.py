"""How the operator sees an operation of any schema, and what a home shows of one's own."""

from typing import Any

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
from apps.portal.counting import ByDay, by_day, of_both, together
from apps.portal.outcomes import outcomes
from apps.portal.ranges import Range, range_of
from apps.portal.registry import on_admin_home
from apps.work.registry import Detail, shows


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
    found = by_day(rows, "created_at", picked, group="status", with_before=True)
    return {"stats": _stats(found, picked, listed), "charts": [_outcomes(found, picked, listed)]}


def _stats(found: dict[str, ByDay], picked: Range, listed: str) -> list[Stat]:
    begun, before = of_both(together(found), picked)
    failed, failed_before = of_both(found.get(Operation.Status.FAILED, {}), picked)
    url = f"{listed}?status__exact=failed"
    return [
        compared(_("Operations"), begun, before, picked, url=listed, order=60),
        compared(
            _("Failed operations"), failed, failed_before, picked, better="less", url=url, order=65
        ),
    ]


def _outcomes(found: dict[str, ByDay], picked: Range, listed: str) -> Chart:
    status = Operation.Status
    return outcomes(
        "operations",
        found,
        (
            (status.SUCCEEDED, _("Succeeded"), "ok"),
            (status.FAILED, _("Failed"), "bad"),
            (status.CANCELLED, _("Cancelled"), "idle"),
        ),
        picked,
        title=_("Operations: %(succeeded)s succeeded, %(failed)s failed"),
        about=_("How those ended that began, %(per)s") % {"per": picked.per},
        unit=_("operations"),
        url=listed,
        empty=_("No operation ended of those that began in this time."),
        order=60,
    )
