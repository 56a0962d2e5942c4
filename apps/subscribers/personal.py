"""A subscriber's data given out, and a subscriber erased."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts import personal
from apps.accounts.models import User
from apps.accounts.personal import Line
from apps.accounts.personal_kinds import PersonKind, Told, is_kind, untold
from apps.core.exceptions import ConflictError
from apps.core.personal import SUBSCRIBER, USER
from apps.events import services as events
from apps.events.actors import Actor, Subject
from apps.events.erasing import SHORTEST
from apps.subscribers.models import Service, Subscriber

PERMISSION = "subscribers.erase"


def subscriber_data(subscriber: Subscriber, told: Told = untold) -> dict[str, Any]:
    """The file of somebody's data: theirs as a subscriber, and that of their log-in."""
    data = personal.data_of(SUBSCRIBER, subscriber, words_of(subscriber), told)
    user = _own_log_in(subscriber)
    return {**data, "log_in": personal.user_data(user, told)} if user else data


def subscriber_preview(subscriber: Subscriber) -> list[Line]:
    """What erasing them would do; their log-in included, where it is nobody else's."""
    lines = personal.preview(SUBSCRIBER, subscriber, words_of(subscriber))
    user = _own_log_in(subscriber)
    return lines + (personal.user_preview(user) if user else [])


def erase_subscriber(subscriber: Subscriber, *, actor: Actor) -> None:
    """Take the person out of what has to stay, and delete the rest; ConflictError with a service.

    Their portal log-in goes too, unless it is that of another subscriber or of the staff.
    """
    personal.erase(SUBSCRIBER, subscriber, actor=actor)


@transaction.atomic
def close_subscriber(subscriber: Subscriber, _actor: Actor) -> None:
    """ConflictError while they have a service."""
    current = Subscriber.objects.select_for_update().get(pk=subscriber.pk)
    services = Service.objects.filter(subscriber=current)
    if services.exclude(status=Service.Status.TERMINATED).exists():
        raise ConflictError(
            _("%(subscriber)s still has a service. Terminate it first, then erase the person.")
            % {"subscriber": current}
        )


def note_subscriber_erased(uuid: str, *, label: str, rows: int, actor: Actor) -> None:
    """Tell that the person is gone, in the caller's transaction."""
    about = Subject("subscriber", uuid, label)
    events.record("subscriber.erased", actor=actor, subject=about, data={"rows": rows})


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


def _whole(subscriber: Subscriber) -> list[tuple[str, Any]]:
    user = _own_log_in(subscriber)
    return [(SUBSCRIBER, subscriber), *([(USER, user)] if user else [])]


is_kind(
    PersonKind(
        of=SUBSCRIBER,
        model=Subscriber,
        permission=PERMISSION,
        file_page="admin:subscribers_personal_file",
        close=close_subscriber,
        words=words_of,
        label=lambda subscriber: subscriber.number,
        data=subscriber_data,
        erased=note_subscriber_erased,
        whole=_whole,
    )
)
