"""What the operator is told of its backups."""

from django.utils.translation import gettext_lazy as _

from apps.notifications.constants import CRITICAL, INBOX, WARNING
from apps.notifications.registry import Kind, register
from apps.tenancy.kinds import PUBLIC

_HERE = frozenset({PUBLIC})

OVERDUE = register(
    Kind(
        "backup.overdue",
        title=_("No backup for 26 hours"),
        heading=_("No backup of the platform for 26 hours"),
        body=_("The last error: %(error)s"),
        tone="bad",
        levels=_HERE,
        severity=CRITICAL,
    )
)
LAGGING = register(
    Kind(
        "backup.lagging",
        title=_("The log of changes is not carried off site"),
        heading=_("Changes of the last minutes are on this machine alone"),
        body=_("The log of changes is not carried off site. The last error: %(error)s"),
        tone="warn",
        levels=_HERE,
        severity=WARNING,
    )
)
AWAY = register(
    Kind(
        "backup.away",
        title=_("The place of the backups has been away for a day"),
        heading=_("The place off site has been away for a day"),
        body=_("What was changed meanwhile waits on this machine. The last error: %(error)s"),
        tone="bad",
        levels=_HERE,
        severity=CRITICAL,
    )
)
TEST = register(
    Kind(
        "backup.test",
        title=_("A restore test failed"),
        heading=_("The backup could not be restored in a test"),
        body="%(error)s",
        tone="bad",
        levels=_HERE,
        severity=CRITICAL,
    )
)

GAP = register(
    Kind(
        "backup.gap",
        title=_("Changes were given up for want of room"),
        heading=_("Moments of some time cannot be restored"),
        body=_(
            "More changes waited on this machine than you allow, so the oldest were given up. A"
            " new backup is made as soon as the place takes it. The last error: %(error)s"
        ),
        tone="bad",
        levels=_HERE,
        severity=CRITICAL,
    )
)


def _over(key: str, heading: object, resolves: Kind) -> Kind:
    return register(
        Kind(
            key,
            title=heading,  # type: ignore[arg-type]
            heading=heading,  # type: ignore[arg-type]
            tone="ok",
            levels=_HERE,
            channels=frozenset({INBOX}),
            resolves=resolves.key,
        )
    )


RAISED = {"overdue": OVERDUE, "lagging": LAGGING, "away": AWAY, "test": TEST, "gap": GAP}
OVER = {
    "overdue": _over("backup.overdue_over", _("There is a backup of the platform again"), OVERDUE),
    "lagging": _over("backup.lagging_over", _("Changes are carried off site again"), LAGGING),
    "away": _over("backup.away_over", _("The place off site takes backups again"), AWAY),
    "gap": _over("backup.gap_over", _("A backup holds again what was given up"), GAP),
    "test": _over("backup.test_over", _("A restore test passed again"), TEST),
}
