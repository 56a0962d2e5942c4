"""Which organisations somebody may see."""

from django.db.models import Q, QuerySet

from apps.accounts.models import User
from apps.tenants.models import Organisation


def organisations_of(user: User) -> QuerySet[Organisation]:
    """The organisations whose console an operator-level user may enter, by name."""
    mine = Organisation.objects.filter(members__user=user.uuid)
    return mine.exclude(status=Organisation.Status.CLOSED).order_by("name")


def organisation_at(host: str) -> Organisation | None:
    """The organisation whose console or workspace a host leads to, unless nobody gets in there.

    The workspace of a closed one is read until it is erased, for what its people want to keep.
    """
    console = Q(console__domains__domain=host, console__is_shut=False)
    workspace = Q(workspace__domains__domain=host, workspace__is_shut=False)
    return Organisation.objects.filter(console | workspace).first()
