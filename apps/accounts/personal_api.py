"""Giving out and erasing personal data over the API: what every kind of person shares."""

import json
from collections.abc import Mapping
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext as _
from drf_spectacular.helpers import lazy_serializer
from rest_framework import serializers

from apps.accounts.personal_kinds import long_work
from apps.core.exceptions import DomainError
from apps.events.actors import Actor

# What begins an operation answers it; its serializer lies in a higher app.
OPERATION = lazy_serializer("apps.operations.api.OperationSerializer")()


class ErasureSerializer(serializers.Serializer[Any]):
    """What names the person, so that nobody is erased by a wrong id."""

    confirm = serializers.CharField(max_length=254)


def check_confirmed(values: Mapping[str, Any], wanted: str) -> None:
    """DomainError where something else was sent."""
    if str(values["confirm"]).strip().lower() != wanted.lower():
        raise DomainError(_("This is somebody else."), field="confirm")


def give_out(of: str, row: Model, *, actor: Actor) -> dict[str, Any]:
    """The newest file, with the event that tells who took it; NotFoundError where none is kept."""
    with long_work().open_file(of, row, actor=actor) as file:
        data: dict[str, Any] = json.load(file)
    return data
