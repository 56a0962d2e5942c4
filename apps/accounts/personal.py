"""A person's data given out, and a person erased; what apps hold is told in `core.personal`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Model, Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.personal_kinds import PersonKind, Told, is_kind, kind_of_person, untold
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


def data_of(of: str, person: Model, words: Sequence[str], told: Told = untold) -> dict[str, Any]:
    """All rows about somebody, by model, without secrets; and the events that name them."""
    return {
        "made_at": timezone.now().isoformat(),
        "about": {"kind": of, "id": str(person.uuid)},  # type: ignore[attr-defined]
        "rows": _rows(of, person, told),
        "events": [_event(row) for row in _events_of(words)],
    }


def preview(of: str, person: Model, words: Sequence[str]) -> list[Line]:
    """What an erasure would do now, without what there is none of."""
    lines = [
        Line(
            str(one.title or one.model._meta.verbose_name_plural),
            one.of_person(person).count(),
            one.stays,
        )
        for one in _holdings(of)
    ]
    found = sum(max(one.acted, one.about) for one in preview_erasure(words))
    why = _("Emptied: that something happened stays, so that the log can be proven.")
    return [line for line in [*lines, Line(str(_("events")), found, why)] if line.rows]


def parts_of(of: str, person: Model) -> list[Callable[[], int]]:
    """The erasure of each kind of rows, as told: each can be repeated, and counts its rows.

    The person's own row is the last, by which one that was cut off finds what is left.
    """
    ordered = sorted(_holdings(of), key=lambda one: isinstance(person, one.model))
    return [partial(_erase_part, one, person) for one in ordered]


@transaction.atomic
def erase(of: str, person: Model, *, actor: Actor) -> None:
    """Take a person out of this schema for good; ConflictError where that cannot be now.

    Rows that have to stay lose them, and the log stays proven.
    """
    people = [(kind_of_person(kind), one) for kind, one in kind_of_person(of).whole(person)]
    for kind, one in people:
        kind.close(one, actor)
    empty_log(people, actor=actor)
    for kind, one in people:
        uuid, label = str(one.uuid), kind.label(one)
        rows = sum(part() for part in parts_of(kind.of, one))
        kind.erased(uuid, label=label, rows=rows, actor=actor)


def empty_log(people: Sequence[tuple[PersonKind, Any]], *, actor: Actor) -> int:
    """Take people out of the event log; how many events. They have to be here still."""
    words = [word for kind, one in people for word in kind.words(one)]
    uuids = [str(one.uuid) for _kind, one in people]
    return erase_person(words, actor=without(actor, uuids)).events if words else 0


def without(actor: Actor, uuids: Sequence[str]) -> Actor:
    """Whoever erased themselves is in no event of it."""
    return Actor("system", label="DotMac") if actor.id in uuids else actor


def erase_user(user: User, *, actor: Actor) -> None:
    """Take somebody out of this schema for good; ConflictError for the last who may do all."""
    erase(USER, user, actor=actor)


@transaction.atomic
def close_user(user: User, actor: Actor) -> None:
    """Sign them out for good; ConflictError for the last who may do all, and for visits."""
    current = User.objects.select_for_update().get(pk=user.pk)
    if current.is_visitor:
        raise ConflictError(_("Support visits end by themselves."))
    if current.is_active:
        keep_an_owner(current)
    personal.prepare(USER, current)
    if User.objects.filter(pk=current.pk, is_active=True).update(is_active=False):
        rights_shrank(current, actor)
    revoke_others(current, keep=None, actor=actor)


def note_user_erased(uuid: str, *, label: str, rows: int, actor: Actor) -> None:
    """Tell that somebody is gone, in the caller's transaction."""
    about = Subject("user", uuid)
    events.record("user.erased", actor=without(actor, [uuid]), subject=about, data={"rows": rows})


def words_of(user: User) -> list[str]:
    """By what the log knows somebody; not by their name, which another may have too."""
    return [str(user.uuid), user.email]


def user_data(user: User, told: Told = untold) -> dict[str, Any]:
    """The file of a person's data in this schema."""
    return data_of(USER, user, words_of(user), told)


def user_preview(user: User) -> list[Line]:
    """What erasing them would do."""
    return preview(USER, user, words_of(user))


def _holdings(of: str) -> list[Holding]:
    return list(personal.holdings_of(of, current_labels()))


def _rows(of: str, person: Model, told: Told) -> dict[str, list[dict[str, Any]]]:
    found, holdings = {}, _holdings(of)
    for number, one in enumerate(holdings, start=1):
        found[one.label.lower()] = [_shown(row, one) for row in one.of_person(person)]
        told(number, len(holdings))
    return found


def _erase_part(one: Holding, person: Model) -> int:
    rows = one.of_person(person)
    return rows.update(**one.blank) if one.stays else _delete(rows, one)


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


is_kind(
    PersonKind(
        of=USER,
        model=User,
        permission="people.erase",
        file_page="admin:accounts_user_personal_file",
        close=close_user,
        words=words_of,
        # An address would have to be erased from what is told of the erasure.
        label=lambda user: str(user.uuid)[:8],
        data=user_data,
        erased=note_user_erased,
        whole=lambda user: [(USER, user)],
    )
)
