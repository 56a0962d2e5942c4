"""Who is told when a check changes, and that it is over."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.access import who_may
from apps.core.health import OK, PROBLEM, STATUSES, WARNING, check_named
from apps.doctor.constants import VIEW
from apps.events import services as events
from apps.events.models import Event
from apps.notifications.constants import CRITICAL, INBOX
from apps.notifications.constants import WARNING as MATTERS
from apps.notifications.registry import Kind, register
from apps.notifications.services import tell
from apps.tenancy.kinds import PUBLIC

_HERE = frozenset({PUBLIC})
_BODY = _("%(text)s What to do: %(advice)s The runbook is %(runbook)s.")

_PROBLEM = register(
    Kind(
        "check.problem",
        title=_("The platform has a problem"),
        heading=_("Problem: %(title)s"),
        body=_BODY,
        tone="bad",
        levels=_HERE,
        severity=CRITICAL,
    )
)
_PROBLEM_OVER = register(
    Kind(
        "check.problem_over",
        title=_("A problem of the platform is over"),
        heading=_("No problem any more: %(title)s"),
        tone="ok",
        levels=_HERE,
        channels=frozenset({INBOX}),
        resolves=_PROBLEM.key,
    )
)
_WARNING = register(
    Kind(
        "check.warning",
        title=_("Something of the platform will need somebody"),
        heading=_("Soon a problem: %(title)s"),
        body=_BODY,
        tone="warn",
        levels=_HERE,
        severity=MATTERS,
    )
)
_WARNING_OVER = register(
    Kind(
        "check.warning_over",
        title=_("A warning of the platform is over"),
        heading=_("No warning any more: %(title)s"),
        tone="ok",
        levels=_HERE,
        channels=frozenset({INBOX}),
        resolves=_WARNING.key,
    )
)
_BEGUN = {PROBLEM: _PROBLEM, WARNING: _WARNING}
_ENDED = {PROBLEM: _PROBLEM_OVER, WARNING: _WARNING_OVER}


@events.reacts_to("check.problem", "check.warning", "check.passed")
def _tell(event: Event) -> None:
    """What is over first: from problem to warning is both. What its app tells is not told here."""
    now = OK if event.type == "check.passed" else event.type.removeprefix("check.")
    before, now = (
        event.data.get("told_before", event.data["before"]),
        event.data.get("told", now),
    )
    if before == now:
        return
    for status, kinds in ((before, _ENDED), (now, _BEGUN)):
        if _is_told(event.subject_id, status):
            url = reverse("admin:doctor_health")
            people = who_may(VIEW)
            tell(kinds[status], event, url=url, people=people, title=event.subject_label)


def _is_told(name: str, status: str) -> bool:
    found = check_named(name)
    lowest = found.tells_from if found else PROBLEM
    return status != OK and STATUSES.index(status) >= STATUSES.index(lowest)
