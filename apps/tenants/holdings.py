"""What organisations hold of operator-level people, who leave them before they are erased."""

from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.exceptions import ConflictError
from apps.core.personal import USER, before_erasing, holds
from apps.tenancy.kinds import PUBLIC, current_schema
from apps.tenants.models import Organisation


def _belongs(user: Any, rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.filter(user=user.uuid)


def _offers(user: Any, rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.filter(Q(made_by=user.uuid) | Q(offered_to=user.uuid))


holds("tenants.OwnershipOffer", title=gettext_lazy("offers of ownership"), of=USER, by=_offers)
holds("tenants.Membership", title=gettext_lazy("organisations"), of=USER, by=_belongs)
holds(
    "tenants.Impersonation",
    of=USER,
    by=_belongs,
    blank={"email": ""},
    stays=gettext_lazy(
        "That support was there stays for the organisation; who it was is taken out."
    ),
)


@before_erasing(USER)
def _owns_nothing(user: Any) -> None:
    """Somebody has to answer for an organisation until it is handed over or erased."""
    if current_schema() != PUBLIC:
        return
    owned = Organisation.objects.filter(owner=user.uuid).order_by("name").first()
    if owned is not None:
        raise ConflictError(
            _("%(user)s owns %(name)s. Hand it over or close it first; then this is possible.")
            % {"user": user, "name": owned}
        )
