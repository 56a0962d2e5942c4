"""Giving out and erasing personal data over the API: what every kind of person shares."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Model
from django.utils.translation import gettext as _
from rest_framework import serializers

from apps.core.exceptions import DomainError
from apps.events import services as events
from apps.events.actors import Actor


class ErasureSerializer(serializers.Serializer[Any]):
    """What names the person, so that nobody is erased by a wrong id."""

    confirm = serializers.CharField(max_length=254)


def check_confirmed(values: Mapping[str, Any], wanted: str) -> None:
    """DomainError where something else was sent."""
    if str(values["confirm"]).strip().lower() != wanted.lower():
        raise DomainError(_("This is somebody else."), field="confirm")


@transaction.atomic
def give_out(row: Model, data: dict[str, Any], *, actor: Actor) -> dict[str, Any]:
    """The data, with the event that tells who took it."""
    events.record("person.exported", actor=actor, subject=row)
    return data
