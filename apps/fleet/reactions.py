"""What the operator's staff are told about servers."""

from django.utils.translation import gettext_lazy as _

from apps.events import services as events
from apps.events.models import Event
from apps.fleet.models import Server
from apps.notifications.constants import CRITICAL, INBOX
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


@events.reacts_to("server.unreachable")
def _tell_of_silence(event: Event) -> None:
    _tell(UNREACHABLE, event)


@events.reacts_to("server.recovered")
def _tell_of_answer(event: Event) -> None:
    _tell(RECOVERED, event)


def _tell(kind: Kind, event: Event) -> None:
    url = row_url(Server, event.subject_id, "fleet_server")
    tell(kind, event, url=url, server=event.subject_label)
