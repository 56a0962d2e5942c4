"""A subscriber's data given out, and a subscriber erased."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts import personal
from apps.accounts.models import User
from apps.accounts.personal import Line
from apps.core.exceptions import ConflictError
from apps.core.personal import SUBSCRIBER
from apps.events import services as events
from apps.events.actors import Actor, Subject
from apps.events.erasing import SHORTEST, erase_person
from apps.subscribers.models import Service, Subscriber

PERMISSION = "subscribers.erase"


def subscriber_data(subscriber: Subscriber) -> dict[str, Any]:
    """The file of somebody's data: theirs as a subscriber, and that of their log-in."""
    data = personal.data_of(SUBSCRIBER, subscriber, words_of(subscriber))
    user = _own_log_in(subscriber)
    return {**data, "log_in": personal.user_data(user)} if user else data


def subscriber_preview(subscriber: Subscriber) -> list[Line]:
    """What erasing them would do; their log-in included, where it is nobody else's."""
    lines = personal.preview(SUBSCRIBER, subscriber, words_of(subscriber))
    user = _own_log_in(subscriber)
    return lines + (personal.user_preview(user) if user else [])


@transaction.atomic
def erase_subscriber(subscriber: Subscriber, *, actor: Actor) -> None:
    """Take the person out of what has to stay, and delete the rest; ConflictError with a service.

    Their portal log-in goes too, unless it is that of another subscriber or of the staff.
    """
    current = Subscriber.objects.select_for_update().get(pk=subscriber.pk)
    services = Service.objects.filter(subscriber=current)
    if services.exclude(status=Service.Status.TERMINATED).exists():
        raise ConflictError(
            _("%(subscriber)s still has a service. Terminate it first, then erase the person.")
            % {"subscriber": current}
        )
    words, user = words_of(current), _own_log_in(current)
    uuid = str(current.uuid)
    counts = personal.erase_rows(SUBSCRIBER, current)
    if user is not None:
        personal.erase_user(user, actor=actor)
    erase_person(words, actor=actor)
    events.record(
        "subscriber.erased",
        actor=actor,
        subject=Subject("subscriber", uuid, current.number),
        data={"rows": sum(counts.values())},
    )


def words_of(subscriber: Subscriber) -> list[str]:
    """By what the log knows them: ids, number, address and user names; not by a name alone."""
    services = subscriber.services.values_list("uuid", "username")
    found = [str(subscriber.uuid), subscriber.number, subscriber.email, subscriber.external_id]
    found += [str(value) for pair in services for value in pair]
    return [word for word in found if len(word) >= SHORTEST]


def _own_log_in(subscriber: Subscriber) -> User | None:
    """Their log-in where it is theirs alone."""
    user = subscriber.user
    if user is None or user.is_staff or user.is_superuser:
        return None
    others = Subscriber.objects.filter(user=user).exclude(pk=subscriber.pk)
    return None if others.exists() else user
