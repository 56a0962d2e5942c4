"""What the operator's staff are told about renewals that fail."""

from django.utils.translation import gettext_lazy as _

from apps.certificates.models import Certificate
from apps.events import services as events
from apps.events.models import Event
from apps.notifications.constants import INBOX, WARNING
from apps.notifications.registry import Kind, register
from apps.notifications.services import row_url, tell
from apps.tenancy.kinds import PUBLIC

_HERE = frozenset({PUBLIC})

FAILING = register(
    Kind(
        "certificate.failing",
        title=_("A certificate is not obtained"),
        heading=_("The certificate for %(certificate)s is not obtained"),
        body=_("It failed %(failures)s times. %(error)s"),
        tone="bad",
        levels=_HERE,
        severity=WARNING,
    )
)
RECOVERED = register(
    Kind(
        "certificate.recovered",
        title=_("A certificate is obtained after all"),
        heading=_("The certificate for %(certificate)s is obtained"),
        tone="ok",
        levels=_HERE,
        channels=frozenset({INBOX}),
        resolves=FAILING.key,
    )
)


@events.reacts_to("certificate.failing", "certificate.recovered")
def _tell(event: Event) -> None:
    kind = FAILING if event.type == FAILING.key else RECOVERED
    url = row_url(Certificate, event.subject_id, "certificates_certificate")
    tell(kind, event, url=url, certificate=event.subject_label)
