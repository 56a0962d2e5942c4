"""Whether receivers can believe that the operator's mails are the operator's."""

from collections.abc import Iterator
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from apps.branding.domain_state import checks_of, domain_state, mail_domain
from apps.branding.domains import BAD, WARN
from apps.core.health import Finding, check, problem, told, warning

_LATE = timedelta(days=3)
_ADVICE = gettext_noop(
    "Correct it in the DNS of {domain}, then open “Sender” and check the domain."
)


@check("mail.domain", _("SPF, DKIM and DMARC"), runbook="mails-do-not-leave")
def _domain() -> Iterator[Finding]:
    """Of the operator's own domain; those of ISPs are told to them."""
    domain, state = mail_domain(), domain_state()
    if domain is None:
        return
    seen = state.checked_at if state else None
    for one in checks_of(state) if state else []:
        if one.tone not in (WARN, BAD):
            continue
        found = problem if one.tone == BAD else warning
        text = gettext_noop("{check} of {domain}: {why}")
        # Who may manage mail was told by the sender's own notice.
        yield told(found(text, _ADVICE, check=one.name, domain=domain.domain, why=one.said.kept()))
    if seen is None or seen < timezone.now() - _LATE:
        yield warning(
            gettext_noop("The DNS of {domain} has not been answered wholly for days."),
            gettext_noop("Look whether this machine reaches its name server, then at “Sender”."),
            domain=domain.domain,
        )
