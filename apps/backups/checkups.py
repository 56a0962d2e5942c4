"""Whether the platform could be made again from what lies off site."""

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from apps.backups.models import BackupAlarm, FormerPlace
from apps.backups.places import has_own_database
from apps.backups.targets import needs_kit, target_as_it_is
from apps.core.health import Finding, check, problem, told, warning

_SAID = {
    "overdue": gettext_noop("There was no backup for 26 hours: {error}"),
    "lagging": gettext_noop("Changes are not carried off site: {error}"),
    "away": gettext_noop("The place off site has been away for a day: {error}"),
    "gap": gettext_noop("Changes were given up for want of room: {error}"),
    "test": gettext_noop("The restore test failed: {error}"),
}


@check("backups", _("Backups"), runbook="backups-fail")
def _backups() -> Iterator[Finding]:
    if not has_own_database():
        yield warning(
            gettext_noop("The database is not the platform's own, so it does not back it up."),
            gettext_noop("Have whoever keeps it back it up, and try a restore."),
        )
        return
    target = target_as_it_is()
    if not target.is_on:
        yield warning(
            gettext_noop("Nothing is backed up: when this machine is lost, so is all of it."),
            gettext_noop("Choose a place on the page “Backups”."),
        )
    for alarm in BackupAlarm.objects.order_by("pk"):
        found = problem(
            _SAID[alarm.name],
            gettext_noop("Check the place on the page “Backups”, then back up now."),
            error=alarm.error or "–",
        )
        # By the alarm itself (watching).
        yield told(found)
    for place in FormerPlace.objects.exclude(last_error=""):
        yield warning(
            gettext_noop("Old backups at {place} cannot be deleted: {error}"),
            gettext_noop("Delete them by hand, then say so on the page “Backups”."),
            place=place.address,
            error=place.last_error,
        )
    if needs_kit(target):
        yield warning(
            gettext_noop("Nobody has a recovery kit for the present keys."),
            gettext_noop("Make one on the page “Backups”, and keep it elsewhere."),
        )
