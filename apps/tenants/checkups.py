"""Whether each workspace has its grant in time, and whether what was erased stays away."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from apps.backups.forgetting import off_site
from apps.core.health import SOON_S, WARNING, Finding, check, problem, some, warning
from apps.tenants.erasing.again import come_back
from apps.tenants.erasing.people import people_come_back
from apps.tenants.grants import RENEW_EVERY
from apps.tenants.models import Erasure, Grant, Organisation

_SOON = timedelta(days=4)
_BACK_UP = gettext_noop(
    "It is the newest there is. Make a full backup on the page “Backups”: the old one goes then."
)
_EMPTY_IT = gettext_noop(
    "Delete by hand what lies there, then say so on the page “Backups”; it says what is in the way."
)


@check(
    "grants",
    _("Grants of the workspaces"),
    runbook="workspace-down",
    every_s=SOON_S,
    tells_from=WARNING,
)
def _grants() -> Iterator[Finding]:
    now = timezone.now()
    ending = list(_names(_grants_of_open().filter(expires_at__lt=now + _SOON)))
    if ending:
        yield problem(
            gettext_noop("The grants of {count} workspaces end within days: {names}."),
            gettext_noop(
                "Without a grant their admin becomes read-only. “Work” in the admin says why each"
                " could not be renewed."
            ),
            count=len(ending),
            names=some(ending),
        )
    late = _grants_of_open().filter(expires_at__gte=now + _SOON)
    names = list(_names(late.filter(pushed_at__lt=now - 2 * RENEW_EVERY)))
    if names:
        yield warning(
            gettext_noop("{count} workspaces have not taken a grant for two days: {names}."),
            gettext_noop("“Work” in the admin says why; most often the workspace does not answer."),
            count=len(names),
            names=some(names),
        )


@check("promises", _("Backups and erasures"), runbook="removing-an-isp")
def _promises() -> Iterator[Finding]:
    """Whether what certificates say of backups is so, at every place that they ever went to."""
    ended = Erasure.objects.filter(backups_until__lt=timezone.now())
    for place in off_site():
        broken = ended.filter(erased_at__gt=place.oldest_at).order_by("backups_until")
        names = list(broken.values_list("name", flat=True))
        if not names:
            continue
        advice = _EMPTY_IT if place.is_former else _BACK_UP
        yield problem(
            gettext_noop(
                "{place} holds a backup of {since}, though {count} certificates say that what they"
                " erased is in none any more: {names}."
            ),
            advice,
            place=place.address,
            since=f"{place.oldest_at:%Y-%m-%d}",
            count=len(names),
            names=some(names),
        )


@check("erasures", _("Erased organisations and people"), runbook="removing-an-isp", every_s=SOON_S)
def _erasures() -> Iterator[Finding]:
    """What a restore brought back, as certificates and ids from off site say."""
    names = list(come_back().order_by("name").values_list("name", flat=True))
    if names:
        yield problem(
            gettext_noop("{count} organisations that were erased are here again: {names}."),
            gettext_noop(
                "A backup brought them back. Erase them again: “Erased organisations”, “After a"
                " restore”, or `python manage.py erase_again --all`."
            ),
            count=len(names),
            names=some(names),
        )
    people = sum(1 for _one in people_come_back())
    if people:
        yield problem(
            gettext_noop("{count} people who were erased are here again."),
            gettext_noop(
                "A backup brought them back. Erase them again: “Erased organisations”, “After a"
                " restore”, or `python manage.py erase_again --all`."
            ),
            count=people,
        )


def _grants_of_open() -> QuerySet[Grant]:
    """Of organisations that have a workspace; what is closed or put away needs none."""
    ended = Q(organisation__status=Organisation.Status.CLOSED)
    return Grant.objects.filter(organisation__workspace__isnull=False).exclude(ended)


def _names(grants: QuerySet[Grant]) -> Iterator[str]:
    yield from grants.order_by("organisation__slug").values_list("organisation__slug", flat=True)
