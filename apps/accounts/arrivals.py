"""People of a schema that came from another platform: who of them is whom on this one."""

from collections.abc import Mapping
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.models import User


def came_by_platform() -> QuerySet[User]:
    """Those of the current schema whom a platform sent, whichever it was, and who are active."""
    people = User.objects.filter(identity__isnull=False, is_active=True, is_visitor=False)
    return people.order_by("pk")


@transaction.atomic
def recognise(identities: Mapping[str, UUID]) -> int:
    """Let those people be the users of this platform who have their address; returns how many.

    An id of another platform means nobody here, so whoever is not named comes by no hand-off until
    somebody brings them in; what they are in the schema stays as it is.
    """
    people = {user.pk: user.email for user in came_by_platform().select_for_update()}
    # All at first: two of them may exchange their ids.
    User.objects.filter(identity__isnull=False).update(identity=None)
    now = timezone.now()
    return sum(
        User.objects.filter(pk=pk).update(identity=identities[email], vouched_at=now)
        for pk, email in people.items()
        if email in identities
    )
