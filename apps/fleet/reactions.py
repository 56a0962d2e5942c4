"""What the operator's staff are told about servers and certificates."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.events import services as events
from apps.events.models import Event
from apps.fleet.models import Server
from apps.notifications.constants import CRITICAL, INBOX, WARNING
from apps.notifications.registry import Kind, register
from apps.notifications.services import row_url, tell
from apps.tenancy.kinds import PUBLIC

_HERE = frozenset({PUBLIC})

UNREACHABLE = register(
    Kind(
        "server.unreachable",
        title=_("A server does not answer"),
        heading=_("Server %(server)s does not answer"),
        body=_("%(error)s Deployments to it wait. Check the server, or move what runs on it."),
        tone="bad",
        levels=_HERE,
        severity=CRITICAL,
    )
)
RECOVERED = register(
    Kind(
        "server.recovered",
        title=_("A server answers again"),
        heading=_("Server %(server)s answers again"),
        body=_("What waited for it goes on."),
        tone="ok",
        levels=_HERE,
        channels=frozenset({INBOX}),
        resolves="server.unreachable",
    )
)
RETURNED = register(
    Kind(
        "server.returned",
        title=_("A server that was lost answers again"),
        heading=_("Server %(server)s, which was lost, answers again"),
        body=_("What it had may run there, and nothing leads to it. Remove its leftovers."),
        tone="bad",
        levels=_HERE,
        severity=CRITICAL,
    )
)
CLEARED = register(
    Kind(
        "server.cleared",
        title=_("A server that was lost has nothing of before any more"),
        heading=_("Server %(server)s has nothing of before any more"),
        tone="ok",
        levels=_HERE,
        channels=frozenset({INBOX}),
        resolves="server.returned",
    )
)
EXPIRING = register(
    Kind(
        "certificate.expiring",
        title=_("A certificate ends soon"),
        heading=_("The certificate %(certificate)s ends soon and is not renewed"),
        body=_("It is for %(names)s and ends on %(day)s. Look why it is not renewed."),
        tone="warn",
        levels=_HERE,
        severity=WARNING,
    )
)
ENDED = register(
    Kind(
        "certificate.ended",
        title=_("A certificate has ended"),
        heading=_("The certificate %(certificate)s has ended"),
        body=_("Browsers warn of %(names)s, or do not open it. Renew it now."),
        tone="bad",
        levels=_HERE,
        severity=CRITICAL,
    )
)
NEWER = register(
    Kind(
        "certificate.newer",
        title=_("A certificate that was to end is renewed"),
        heading=_("The certificate %(certificate)s is renewed"),
        tone="ok",
        levels=_HERE,
        channels=frozenset({INBOX}),
        resolves=EXPIRING.key,
    )
)
WORKS = register(
    Kind(
        "certificate.works",
        title=_("A certificate that had ended is renewed"),
        heading=_("The certificate %(certificate)s is renewed"),
        tone="ok",
        levels=_HERE,
        channels=frozenset({INBOX}),
        resolves=ENDED.key,
    )
)


@events.reacts_to("certificate.expiring", "certificate.ended", "certificate.newer")
def _tell_of_end(event: Event) -> None:
    kinds = {EXPIRING.key: [EXPIRING], ENDED.key: [ENDED], NEWER.key: [NEWER, WORKS]}[event.type]
    url = reverse("admin:fleet_certificate_changelist")
    for kind in kinds:
        # Of the second only where there was something to be over.
        if kind is not WORKS or event.data["had_ended"]:
            tell(kind, event, url=url, certificate=event.subject_label)


@events.reacts_to("server.unreachable")
def _tell_of_silence(event: Event) -> None:
    _tell(UNREACHABLE, event)


@events.reacts_to("server.recovered")
def _tell_of_answer(event: Event) -> None:
    _tell(RECOVERED, event)


@events.reacts_to("server.returned", "server.cleared")
def _tell_of_return(event: Event) -> None:
    _tell({RETURNED.key: RETURNED, CLEARED.key: CLEARED}[event.type], event)


def _tell(kind: Kind, event: Event) -> None:
    url = row_url(Server, event.subject_id, "fleet_server")
    tell(kind, event, url=url, server=event.subject_label)
