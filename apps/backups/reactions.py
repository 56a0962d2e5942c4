"""What those of the operator are told who manage backups."""

from django.urls import reverse

from apps.accounts.access import who_may
from apps.backups.kinds import OVER, RAISED
from apps.backups.permissions import MANAGE
from apps.events import services as events
from apps.events.models import Event
from apps.notifications.services import tell


@events.reacts_to(*(f"backup.{name}" for name in RAISED))
def _tell_of_alarm(event: Event) -> None:
    url = reverse("admin:backups_backuptarget_changelist")
    tell(RAISED[event.subject_id], event, people=who_may(MANAGE), url=url)


@events.reacts_to(*(f"backup.{name}_over" for name in OVER))
def _tell_that_it_is_over(event: Event) -> None:
    url = reverse("admin:backups_backuptarget_changelist")
    tell(OVER[event.subject_id], event, people=who_may(MANAGE), url=url)
