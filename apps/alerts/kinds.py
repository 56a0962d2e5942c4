"""What the operator is told by alerts that no other app tells of."""

from django.utils.translation import gettext_lazy as _

from apps.notifications.constants import CRITICAL, INBOX, SMS, WARNING
from apps.notifications.registry import Kind, register
from apps.tenancy.kinds import PUBLIC

_HERE = frozenset({PUBLIC})
_INBOX = frozenset({INBOX})

WORK_FAILED = register(
    Kind(
        "work.failed",
        title=_("Work failed and needs a person"),
        heading=_("Failed: %(title)s"),
        body="%(reason)s (%(schema)s)",
        tone="bad",
        levels=_HERE,
        channels=_INBOX,
        severity=WARNING,
    )
)
LOG_FAULTY = register(
    Kind(
        "log.faulty",
        title=_("A record does not prove"),
        heading=_("The record of %(schema)s does not prove"),
        body=_("Faults that were found: %(findings)s. Find out who changed it, and when."),
        tone="bad",
        levels=_HERE,
        severity=CRITICAL,
    )
)
LOG_CUT = register(
    Kind(
        "log.cut_back",
        title=_("An organisation’s record was cut back"),
        heading="%(title)s",
        body="%(reason)s",
        tone="bad",
        levels=_HERE,
        severity=CRITICAL,
    )
)
NOT_MIGRATED = register(
    Kind(
        "tenants.not_migrated",
        title=_("Tenants could not be migrated"),
        heading=_("Tenants that could not be migrated: %(count)s"),
        body=_("They stay as they were. The page “Tenants not migrated” says why."),
        tone="bad",
        levels=_HERE,
        severity=CRITICAL,
    )
)
# By mail it would not come.
MAIL_REFUSED = register(
    Kind(
        "mail.refused",
        title=_("No mail leaves"),
        heading=_("No mail leaves: %(server)s"),
        body=_("It has taken none for %(minutes)s minutes. Its last answer: %(error)s"),
        tone="bad",
        levels=_HERE,
        channels=_INBOX,
        offered=frozenset({INBOX, SMS}),
        severity=CRITICAL,
    )
)
MAIL_RECOVERED = register(
    Kind(
        "mail.recovered",
        title=_("Mail leaves again"),
        heading=_("Mail leaves again: %(server)s"),
        body=_("What waited is sent within a few hours."),
        tone="ok",
        levels=_HERE,
        channels=_INBOX,
        resolves=MAIL_REFUSED.key,
    )
)
MESSAGE_LOST = register(
    Kind(
        "message.lost",
        title=_("A message to the staff was given up"),
        heading=_("A message of the operator was not delivered"),
        body="%(title)s. %(reason)s",
        tone="bad",
        levels=_HERE,
        channels=_INBOX,
        offered=frozenset({INBOX, SMS}),
        severity=WARNING,
    )
)
STAFF_ADDRESS = register(
    Kind(
        "address.suppressed",
        title=_("A colleague gets no mail any more"),
        heading=_("Mails to somebody of the staff are refused"),
        body=_("Their address is suppressed. Correct it, or take it off the list."),
        tone="warn",
        levels=_HERE,
        channels=_INBOX,
        severity=WARNING,
    )
)
CHANNEL_FAILS = register(
    Kind(
        "alert_channel.failing",
        title=_("An alert channel does not work"),
        heading=_("The alert channel %(channel)s has not worked for a day"),
        body=_("Its last answer: %(error)s"),
        tone="bad",
        levels=_HERE,
        severity=WARNING,
    )
)
CHANNEL_WORKS = register(
    Kind(
        "alert_channel.recovered",
        title=_("An alert channel works again"),
        heading=_("The alert channel %(channel)s works again"),
        tone="ok",
        levels=_HERE,
        channels=_INBOX,
        resolves=CHANNEL_FAILS.key,
    )
)
