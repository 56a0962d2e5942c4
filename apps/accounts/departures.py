"""Keeping those out of a schema who do not belong to its organisation any more, and signing out.

The platform says so: at once where the schema lies in its database, by its grant elsewhere.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.security.sessions import revoke_others
from apps.accounts.services import ensure_member
from apps.core.permissions import OWNER
from apps.events import services as events
from apps.events.actors import Actor


@transaction.atomic
def keep_out(identity: UUID, *, actor: Actor, as_of: datetime | None = None) -> None:
    """Switch somebody off who came by hand-off, also as the last owner, and end what they have."""
    user = User.objects.select_for_update().filter(identity=identity).first()
    if user is None:
        return
    rows = User.objects.filter(pk=user.pk, is_active=True)
    if rows.update(is_active=False, off_by_platform_at=as_of or timezone.now()):
        events.record("user.deactivated", actor=actor, subject=user, data={"by": "platform"})
    revoke_others(user, keep=None, actor=actor)


@transaction.atomic
def sign_out(identity: UUID, *, as_of: datetime, actor: Actor) -> None:
    """End all sessions of somebody who came by hand-off, once for each moment that is said.

    A hand-off that was signed before it signs nobody in any more (services.enter).
    """
    user = User.objects.select_for_update().filter(identity=identity).first()
    if user is None or (user.signed_out_at and user.signed_out_at >= as_of):
        return
    User.objects.filter(pk=user.pk).update(signed_out_at=as_of)
    revoke_others(user, keep=None, actor=actor)


@transaction.atomic
def keep_only(members: Mapping[UUID, str], *, as_of: datetime, actor: Actor) -> None:
    """Keep out all who came by hand-off and are none of the members, and bring owners up to date.

    Whom the platform vouched for after `as_of` was let in by a newer word of it. When they last
    signed in says nothing: in a workspace one can do so without the platform.
    """
    people = User.objects.annotate(said_at=Coalesce("vouched_at", "date_joined"))
    came = people.filter(identity__isnull=False, said_at__lte=as_of)
    gone = came.filter(is_active=True).exclude(identity__in=list(members))
    here = list(came.filter(is_active=True, identity__in=list(members)))
    # Owners first, so that the last one is never in the way of the next.
    for user in sorted(here, key=lambda user: members[user.identity] != OWNER):  # type: ignore[index]
        _bring_up_to_date(user, members[user.identity], as_of, actor)  # type: ignore[index]
    for identity in gone.values_list("identity", flat=True):
        assert identity is not None
        keep_out(identity, actor=actor, as_of=as_of)


def _bring_up_to_date(user: User, role: str, as_of: datetime, actor: Actor) -> None:
    if user.identity is None or user.is_superuser == (role == OWNER):
        return
    ensure_member(
        identity=user.identity,
        email=user.email,
        name=user.name,
        role=role,
        actor=actor,
        said_at=as_of,
    )
