"""Whether the ways by which the operator is told work."""

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from apps.alerts.models import AlertChannel, MailPath
from apps.core.health import Finding, check, problem, warning


@check("mail.path", _("Ways of mails"), runbook="mails-do-not-leave")
def _mail() -> Iterator[Finding]:
    for path in MailPath.objects.filter(told_at__isnull=False).order_by("pk"):
        yield problem(
            gettext_noop("{server} takes no mail: {error}"),
            gettext_noop("Open “Sender” in the admin and send a test, or correct EMAIL_URL."),
            server=path.name,
            error=path.last_error,
        )


@check("alerts", _("Alert channels"), runbook="mails-do-not-leave")
def _channels() -> Iterator[Finding]:
    if not AlertChannel.objects.filter(is_on=True).exists():
        yield warning(
            gettext_noop("No alert channel is on: nobody is told while mail is down."),
            gettext_noop("Add one under “Alert channels” in the admin (docs/guides/alerts.md)."),
        )
    for channel in AlertChannel.objects.filter(is_on=True, told_at__isnull=False).order_by("pk"):
        yield problem(
            gettext_noop("The alert channel {name} has not worked for a day: {error}"),
            gettext_noop("Open it in the admin, correct its address, and send a test."),
            name=channel.name,
            error=channel.last_error,
        )
