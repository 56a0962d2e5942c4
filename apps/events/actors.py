"""Who did something, and to what."""

from dataclasses import dataclass
from typing import Any

from django.db import models


@dataclass(frozen=True)
class Actor:
    """Who acts: a user, a service account, the platform, or the system itself."""

    kind: str
    id: str = ""
    label: str = ""


SYSTEM = Actor("system", label="DotMac")


def user_actor(user: Any) -> Actor:
    """The actor that somebody is who asks: a person with a uuid and an email, or a program.

    Somebody of the operator who helps is named as that, with the reason.
    """
    visit = getattr(user, "visit", None)
    if visit is not None:
        return visit.actor  # type: ignore[no-any-return]
    own = getattr(user, "as_actor", None)
    if isinstance(own, Actor):
        return own
    return Actor("user", str(user.uuid), user.email)


@dataclass(frozen=True)
class Subject:
    """What something happened to: a type in text and a uuid, never a foreign key."""

    type: str
    id: str
    label: str = ""


def subject_of(row: models.Model) -> Subject:
    """The subject that a row with a `uuid` is."""
    return Subject(str(row._meta.model_name), str(row.uuid), str(row)[:200])  # type: ignore[attr-defined]
