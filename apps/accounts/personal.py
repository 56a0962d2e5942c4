"""A person's data given out, and a person erased; what apps hold is told in `core.personal`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Model, Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.registry import rights_shrank
from apps.accounts.security.sessions import revoke_others
from apps.accounts.services import keep_an_owner
from apps.core import personal
from apps.core.exceptions import ConflictError
from apps.core.personal import USER, Holding
from apps.events import services as events
from apps.events.actors import Actor, Subject
from apps.events.erasing import erase_person, preview_erasure
from apps.events.models import Event
from apps.tenancy.kinds import current_labels

# Events that a file of somebody's data holds at most, the newest.
_EVENTS = 10_000


@dataclass(frozen=True)
class Line:
    """Rows of one kind that an erasure would delete, or keep without the person, and why."""

    title: str
    rows: int
    stays: str | Promise = ""


def data_of(of: str, person: Model, words: Sequence[str]) -> dict[str, Any]:
    """All rows about somebody, by model, without secrets; and the events that name them."""
    return {
        "made_at": timezone.now().isoformat(),
        "about": {"kind": of, "id": str(person.uuid)},  # type: ignore[attr-defined]
        "rows": {
            one.label.lower(): [_shown(row, one) for row in one.of_person(person)]
            for one in _holdings(of)
        },
        "events": [_event(row) for row in _events_of(words)],
    }


def preview(of: str, person: Model, words: Sequence[str]) -> list[Line]:
    """What an erasure would do now, without what there is none of."""
    lines = [
        Line(str(one.model._meta.verbose_name_plural), one.of_person(person).count(), one.stays)
        for one in _holdings(of)
    ]
    found = sum(max(one.acted, one.about) for one in preview_erasure(words))
    why = _("Emptied: that something happened stays, so that the log can be proven.")
    return [line for line in [*lines, Line(str(_("events")), found, why)] if line.rows]


def erase_rows(of: str, person: Model) -> dict[str, int]:
    """Delete or blank what is about somebody, as told; how many rows of which model."""
    counts: dict[str, int] = {}
    for one in _holdings(of):
        rows = one.of_person(person)
        count = rows.update(**one.blank) if one.stays else _delete(rows, one)
        counts[one.label.lower()] = count
    return counts


@transaction.atomic
def erase_user(user: User, *, actor: Actor) -> None:
    """Take a person out of this schema for good; ConflictError for the last who may do all.

    Rows that have to stay lose them, and the log stays proven.
    """
    current = User.objects.select_for_update().get(pk=user.pk)
    if current.is_visitor:
        raise ConflictError(_("Support visits end by themselves."))
    if current.is_active:
        keep_an_owner(current)
    personal.prepare(USER, current)
    words = words_of(current)
    User.objects.filter(pk=current.pk).update(is_active=False)
    revoke_others(current, keep=None, actor=actor)
    rights_shrank(current, actor)
    counts = erase_rows(USER, current)
    uuid = str(current.uuid)
    erase_person(words, actor=actor)
    events.record(
        "user.erased",
        actor=_without(actor, uuid),
        subject=Subject("user", uuid),
        data={"rows": sum(counts.values())},
    )


def words_of(user: User) -> list[str]:
    """By what the log knows somebody; not by their name, which another may have too."""
    return [str(user.uuid), user.email]


def user_data(user: User) -> dict[str, Any]:
    """The file of a person's data in this schema."""
    return data_of(USER, user, words_of(user))


def user_preview(user: User) -> list[Line]:
    """What erasing them would do."""
    return preview(USER, user, words_of(user))


def _holdings(of: str) -> list[Holding]:
    return list(personal.holdings_of(of, current_labels()))


def _delete(rows: Any, one: Holding) -> int:
    return int(rows.delete()[1].get(one.model._meta.label, 0))


def _shown(row: Model, one: Holding) -> dict[str, Any]:
    fields = [f for f in row._meta.concrete_fields if f.name not in one.hidden]
    return {f.attname: _plain(f.value_from_object(row)) for f in fields}


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, bytes | memoryview):
        return f"{len(bytes(value))} bytes"
    if value is None or isinstance(value, str | int | bool | float | list | dict):
        return value
    return DjangoJSONEncoder().default(value)


def _events_of(words: Sequence[str]) -> list[Event]:
    about = Q(subject_id__in=words) | Q(actor_id__in=words) | Q(actor_label__in=words)
    return list(Event.objects.filter(about).order_by("-pk")[:_EVENTS])


def _event(row: Event) -> dict[str, Any]:
    return {
        "at": row.at.isoformat(),
        "type": row.type,
        "by": row.actor_label,
        "ip": row.ip,
        "about": row.subject_label,
        "data": row.data,
    }


def _without(actor: Actor, uuid: str) -> Actor:
    """Whoever erased themselves is in no event of it."""
    return Actor("system", label="DotMac") if actor.id == uuid else actor
