"""What an ISP's staff are told about their imports."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.events import services as events
from apps.events.models import Event
from apps.notifications.registry import Kind, register
from apps.notifications.services import tell
from apps.subscribers import imports
from apps.subscribers.models import SubscriberImport
from apps.tenancy.kinds import WORKSPACE

_HERE = frozenset({WORKSPACE})

FINISHED = register(
    Kind(
        "import.finished",
        title=_("An import that you started is finished"),
        heading=_("%(file)s is imported"),
        body=_("Subscribers added: %(rows)s. Rows left out: %(left_out)s."),
        tone="ok",
        levels=_HERE,
    )
)
FAILED = register(
    Kind(
        "import.failed",
        title=_("An import that you started failed"),
        heading=_("%(file)s was not imported"),
        body=_("%(cause)s"),
        tone="bad",
        levels=_HERE,
    )
)


@events.reacts_to("subscriber_import.imported")
def _tell_of_import(event: Event) -> None:
    _tell(FINISHED, event)


@events.reacts_to("operation.failed")
def _tell_of_failure(event: Event) -> None:
    if event.data.get("name") in (imports.CHECK, imports.WRITE):
        _tell(FAILED, event)


def _tell(kind: Kind, event: Event) -> None:
    """Whoever brought the file."""
    source = SubscriberImport.objects.filter(uuid=event.subject_id).first()
    if source is None:
        return
    people = User.objects.filter(email=source.created_by.lower(), is_staff=True)
    url = reverse("admin:subscribers_import_result", args=[source.uuid])
    tell(kind, event, people=people, url=url, file=source.filename)
