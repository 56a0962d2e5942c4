"""Which organisations somebody may see."""

from django.db.models import Q, QuerySet

from apps.accounts.models import User
from apps.tenants.models import Organisation


def organisations_of(user: User) -> QuerySet[Organisation]:
    """The organisations whose console an operator-level user may enter, by name."""
    mine = Organisation.objects.filter(members__user=user.uuid)
    return mine.exclude(status=Organisation.Status.CLOSED).order_by("name")


def organisation_at(host: str) -> Organisation | None:
    """The organisation whose console or workspace a host leads to."""
    is_its = Q(console__domains__domain=host) | Q(workspace__domains__domain=host)
    open_ones = Organisation.objects.exclude(status=Organisation.Status.CLOSED)
    return open_ones.filter(is_its).first()
