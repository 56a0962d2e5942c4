"""People who were erased, by their ids: a restored database may have them again."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.personal import erase_user
from apps.events.actors import Actor
from apps.subscribers.holdings import ERASED
from apps.subscribers.models import Subscriber
from apps.subscribers.personal import erase_subscriber
from apps.tenancy.kinds import WORKSPACE, kind_of, schema_exists, schema_of
from apps.tenants.models import ErasedPerson

_Kind = ErasedPerson.Kind


@dataclass(frozen=True)
class Returned:
    """Somebody who is here again."""

    row: ErasedPerson
    person: Any


def note_erased(schema: str, kind: str, person: str, at: datetime) -> None:
    """Keep that somebody was erased, once; written from any schema."""
    values = {"erased_at": at, "restored_at": None}
    with suppress(ValueError):
        ErasedPerson.objects.update_or_create(
            schema=schema, kind=kind, person=UUID(person), defaults=values
        )


def people_here() -> list[str]:
    """All that this database knows, by a name for each."""
    return [str(row) for row in ErasedPerson.objects.iterator()]


def person_file(name: str) -> bytes:
    """What is kept of one elsewhere: when. The name says the rest."""
    row = _named(name).get()
    return json.dumps({"erased_at": row.erased_at.isoformat()}).encode()


def take_person_in(name: str, read: Callable[[], bytes]) -> bool:
    """Know of somebody whom only the place off site knows; nothing where their schema is gone."""
    schema, kind, person = name.split(".")
    if not schema_exists(schema):
        return False
    row = ErasedPerson(schema=schema, kind=kind, person=UUID(person), restored_at=timezone.now())
    row.erased_at = datetime.fromisoformat(json.loads(read())["erased_at"])
    ErasedPerson.objects.bulk_create([row], ignore_conflicts=True)
    return _person_of(row) is not None


def people_come_back() -> Iterator[Returned]:
    """Those of them who are here."""
    for row in ErasedPerson.objects.filter(restored_at__isnull=False).order_by("pk"):
        person = _person_of(row)
        if person is not None:
            yield Returned(row, person)


@transaction.atomic
def erase_person_again(returned: Returned, *, actor: Actor) -> None:
    """Erase them as before; DomainError says what has to end first, as a service that goes on."""
    erase = erase_user if returned.row.kind == _Kind.USER else erase_subscriber
    with schema_of(returned.row.schema):
        erase(returned.person, actor=actor)


def _person_of(row: ErasedPerson) -> Any:
    is_of_workspace = kind_of(row.schema) == WORKSPACE
    if not schema_exists(row.schema) or (row.kind == _Kind.SUBSCRIBER and not is_of_workspace):
        return None
    with schema_of(row.schema):
        if row.kind == _Kind.USER:
            return User.objects.filter(uuid=row.person).first()
        # Their row stays, without them.
        return Subscriber.objects.filter(uuid=row.person).exclude(name=ERASED).first()


def _named(name: str) -> Any:
    schema, kind, person = name.split(".")
    return ErasedPerson.objects.filter(schema=schema, kind=kind, person=person)
