"""What an ISP's staff are told about their instances."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.events import services as events
from apps.events.models import Event
from apps.instances.models import Instance
from apps.notifications.constants import INBOX
from apps.notifications.registry import Kind, register
from apps.notifications.services import row_url, tell
from apps.operations.models import Operation
from apps.tenancy.kinds import CONSOLE

_DEPLOY = "instances.deploy"
_HERE = frozenset({CONSOLE})

FAILED = register(
    Kind(
        "deployment.failed",
        title=_("A deployment failed"),
        heading=_("%(app)s was not deployed"),
        body=_("%(cause)s"),
        tone="bad",
        levels=_HERE,
    )
)
FINISHED = register(
    Kind(
        "deployment.finished",
        title=_("A deployment that you started is finished"),
        heading=_("%(app)s is deployed"),
        tone="ok",
        levels=_HERE,
        channels=frozenset({INBOX}),
    )
)
LOST = register(
    Kind(
        "instance.lost",
        title=_("An instance is lost with its server"),
        heading=_("%(app)s is lost"),
        body=_(
            "Its server %(server)s is lost for good, with what it kept there. Deploy it anew, and"
            " bring back what you have of its data."
        ),
        tone="bad",
        levels=_HERE,
    )
)
SUSPENDED = register(
    Kind(
        "instance.suspended",
        title=_("An instance is suspended"),
        heading=_("%(app)s is suspended"),
        body=_("It is not served; its data is kept. %(reason)s"),
        tone="warn",
        levels=_HERE,
    )
)


@events.reacts_to("operation.failed")
def _tell_of_failure(event: Event) -> None:
    """Everybody: whoever is there first can act on it."""
    if event.data.get("name") == _DEPLOY:
        tell(FAILED, event, url=_operation_url(event), app=event.subject_label)


@events.reacts_to("operation.succeeded")
def _tell_of_success(event: Event) -> None:
    """Whoever started it, if it was a person."""
    if event.data.get("name") != _DEPLOY:
        return
    operation = Operation.objects.filter(uuid=event.data["operation"], actor_kind="user").first()
    people = User.objects.filter(uuid=operation.actor_id) if operation else []
    url = _operation_url(event)
    tell(FINISHED, event, people=people, url=url, app=event.subject_label)


@events.reacts_to("instance.suspended")
def _tell_of_suspension(event: Event) -> None:
    url = row_url(Instance, event.subject_id, "instances_instance")
    tell(SUSPENDED, event, url=url, app=event.subject_label)


@events.reacts_to("instance.lost")
def _tell_of_loss(event: Event) -> None:
    url = row_url(Instance, event.subject_id, "instances_instance")
    tell(LOST, event, url=url, app=event.subject_label, server=event.data["server"])


def _operation_url(event: Event) -> str:
    return reverse("operation", args=[event.data["operation"]])
