"""Telling people something, and what they do with it."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from apps.accounts.models import User
from apps.core.exceptions import DomainError
from apps.events import services as events
from apps.events.actors import Actor
from apps.events.differences import CHANGED, differences
from apps.events.models import Event
from apps.notifications.constants import EMAIL, INBOX, KEPT_DAYS, SMS
from apps.notifications.models import Channel, Delivery, Notification, Phone, Preference, SmsGateway
from apps.notifications.registry import Kind, Notice, kind_named, register, relayed
from apps.tenancy import live
from apps.work import services as work
from apps.work.words import Words, words

KIND = "notification"
# Nobody's choice, since it occurs at no level.
_TEST_SMS = register(
    Kind(
        "sms.test",
        title=gettext_lazy("A test message"),
        heading=gettext_lazy("This is a test. Text messages work."),
        levels=frozenset(),
        channels=frozenset({SMS}),
        offered=frozenset({SMS}),
    )
)

_TEST_MAIL = register(
    Kind(
        "mail.test",
        title=gettext_lazy("A test mail"),
        heading=gettext_lazy("This is a test. Mails work."),
        levels=frozenset(),
        channels=frozenset({EMAIL}),
        offered=frozenset({EMAIL}),
    )
)


@transaction.atomic
def notify(
    kind: Kind,
    people: Iterable[User],
    *,
    key: str,
    data: Mapping[str, Any],
    url: str = "",
    about: str = "",
) -> int:
    """Tell people of the current schema, each by the ways they want; returns how many were told.

    `key` names what happened: nobody is told the same twice. `url` is a path of this host. `about`
    names to what it happened.
    """
    relayed(Notice(kind, about or key, key, data, url))
    told = Notification.objects.filter(kind=kind.key, key=key).values_list("user_id", flat=True)
    everybody = {person.pk: person for person in people if person.is_active}
    new = [person for pk, person in everybody.items() if pk not in set(told)]
    wanted = _channels_of(kind, new)
    rows = Notification.objects.bulk_create(
        Notification(
            user=person,
            kind=kind.key,
            key=key,
            data=dict(data),
            url=url,
            is_shown=INBOX in wanted[person.pk],
        )
        for person in new
        if wanted[person.pk]
    )
    _send([(row, EMAIL, row.user.email) for row in rows if EMAIL in wanted[row.user_id]])
    _send_sms([row for row in rows if SMS in wanted[row.user_id]])
    for row in rows:
        live.announce(topic_of(row.user))
    _forget_old(new)
    return len(rows)


def tell(
    kind: Kind,
    event: Event,
    *,
    url: str,
    people: Iterable[User] | None = None,
    **data: Any,
) -> int:
    """Tell of an event once: all staff unless `people` are named, with its data and `data`."""
    told = {**event.data, **data}
    return notify(
        kind,
        staff() if people is None else people,
        key=str(event.uuid),
        data=told,
        url=url,
        about=f"{event.subject_type}:{event.subject_id}",
    )


def row_url(model: type[models.Model], uuid: str, name: str) -> str:
    """The path of a row in the admin by its uuid; nothing where it is gone."""
    pk = model._default_manager.filter(uuid=uuid).values_list("pk", flat=True).first()
    return reverse(f"admin:{name}_change", args=[pk]) if pk else ""


def send_test_sms(user: User) -> Delivery | None:
    """Send a person a text message, to see that it comes; DomainError without a number.

    None where no gateway is on, or the person is no staff.
    """
    if not Phone.objects.filter(user=user).exists():
        raise DomainError(_("Enter your own mobile number first."))
    return _send_test(_TEST_SMS, user)


def send_test_mail(user: User) -> Delivery | None:
    """Send a person a mail by the sender in force; what its server says is in the delivery."""
    return _send_test(_TEST_MAIL, user)


def _send_test(kind: Kind, user: User) -> Delivery | None:
    key = str(uuid4())
    notify(kind, [user], key=key, data={})
    return Delivery.objects.filter(notification__kind=kind.key, notification__key=key).first()


def staff() -> Iterable[User]:
    """The active staff of the current schema."""
    return User.objects.filter(is_active=True, is_staff=True).order_by("pk")


def topic_of(user: User) -> str:
    """What a person's browsers watch (tenancy.live)."""
    return f"inbox:{user.uuid}"


def unread_of(user: User) -> int:
    """How many notifications a person has not read."""
    return Notification.objects.filter(user=user, is_shown=True, read_at=None).count()


def mark_read(user: User, **which: Any) -> int:
    """Note that a person has read some of theirs, or all; returns how many that changed."""
    unread = Notification.objects.filter(user=user, is_shown=True, read_at=None, **which)
    with transaction.atomic():
        changed = unread.update(read_at=timezone.now())
        if changed:
            live.announce(topic_of(user))
    return changed


@transaction.atomic
def set_preferences(user: User, wanted: Mapping[tuple[str, str], bool]) -> None:
    """Keep which kinds, by key, a person wants by which ways.

    What is as the kind itself would have it is not kept: a later release may choose better.
    """
    User.objects.select_for_update().get(pk=user.pk)
    kept = Preference.objects.filter(user=user, kind__in={kind for kind, _channel in wanted})
    # Only what was asked: a way that is closed at present is chosen still when it opens again.
    asked = [row.pk for row in kept if (row.kind, row.channel) in wanted]
    Preference.objects.filter(pk__in=asked).delete()
    Preference.objects.bulk_create(
        Preference(user=user, kind=kind, channel=channel, is_on=is_on)
        for (kind, channel), is_on in wanted.items()
        if is_on != (channel in kind_named(kind).channels)
    )


@transaction.atomic
def choose_for(user: User, wanted: Mapping[tuple[str, str], bool], *, actor: Actor) -> None:
    """Keep what somebody else chose for a person, which the record tells."""
    before = _choices(user, wanted)
    set_preferences(user, wanted)
    data = {CHANGED: differences(before, _choices(user, wanted))}
    events.record("user.preferences_changed", actor=actor, subject=user, data=data)


def _choices(user: User, asked: Iterable[tuple[str, str]]) -> dict[str, bool]:
    """Whether each kind comes by each way, as it was chosen or else as the kind would have it."""
    chosen = preferences_of(user)
    return {
        f"{kind}:{way}": chosen.get((kind, way), way in kind_named(kind).channels)
        for kind, way in sorted(asked)
    }


def preferences_of(user: User) -> dict[tuple[str, str], bool]:
    """What a person chose, by kind and way, where they did."""
    rows = Preference.objects.filter(user=user).values_list("kind", "channel", "is_on")
    return {(kind, channel): is_on for kind, channel, is_on in rows}


@transaction.atomic
def send_again(delivery: Delivery) -> bool:
    """Give a failed delivery another round of tries; False where it has not failed."""
    failed = Delivery.objects.filter(pk=delivery.pk, status=Delivery.Status.FAILED)
    if not failed.update(status=Delivery.Status.QUEUED, attempts=0, error=""):
        return False
    work.again(KIND, str(delivery.uuid), title=_title(delivery))
    return True


def _channels_of(kind: Kind, people: list[User]) -> dict[int, set[str]]:
    """The ways that each person wants, by primary key."""
    wanted = {person.pk: set(kind.channels) for person in people}
    chosen = Preference.objects.filter(kind=kind.key, user__in=wanted)
    for pk, channel, is_on in chosen.values_list("user_id", "channel", "is_on"):
        if is_on and channel in kind.offered:
            wanted[pk].add(channel)
        else:
            wanted[pk].discard(channel)
    return wanted


def _send_sms(rows: list[Notification]) -> None:
    """To those who still have a number, as long as there is a gateway."""
    if not rows or not SmsGateway.objects.filter(is_on=True).exists():
        return
    phones = Phone.objects.filter(user__in=[row.user_id for row in rows], user__is_staff=True)
    numbers = dict(phones.values_list("user_id", "number"))
    _send([(row, SMS, numbers[row.user_id]) for row in rows if row.user_id in numbers])


def _send(rows: list[tuple[Notification, str, str]]) -> None:
    made = Delivery.objects.bulk_create(
        Delivery(notification=row, channel=channel, address=address)
        for row, channel, address in rows
    )
    for delivery in made:
        work.enqueue(KIND, str(delivery.uuid), title=_title(delivery))


def _title(delivery: Delivery) -> Words:
    """For the operator's list, so without what is told and whom."""
    channel = Channel(delivery.channel).label
    about = delivery.notification.about.title
    return words(gettext_noop("{channel}: {about}"), channel=channel, about=about)


def _forget_old(people: list[User]) -> None:
    before = timezone.now() - timedelta(days=KEPT_DAYS)
    Notification.objects.filter(user__in=people, created_at__lt=before).delete()
