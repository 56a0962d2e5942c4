"""What roles can hold of servers and the edge."""

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from apps.core.permissions import ADMIN, SUPPORT, TECHNICIAN, VIEWER, Limit, Permission, rights
from apps.fleet.models import Region

LOSE = "fleet.lose"
_KINDS = ("public",)
PERMISSIONS = (
    Permission(
        "fleet.view",
        _("See servers, placements and the edge"),
        (ADMIN, TECHNICIAN, SUPPORT, VIEWER),
        rights(
            "fleet",
            "region",
            "serverplan",
            "server",
            "placement",
            "route",
            "certificate",
            "edgestate",
        ),
        _KINDS,
        is_limitable=True,
    ),
    Permission(
        "fleet.change",
        _("Add, drain and retire servers"),
        (ADMIN, TECHNICIAN),
        rights("fleet", "region", "serverplan", "server", on="view add change"),
        _KINDS,
    ),
    # All that lies on one counts as gone.
    Permission(
        LOSE, _("Declare servers lost, and remove what is left on them"), (ADMIN,), (), _KINDS
    ),
)


def _regions() -> Iterable[tuple[str, str]]:
    return [(str(region.pk), region.name) for region in Region.objects.order_by("name")]


LIMITS = (
    Limit(
        "region",
        _("Region"),
        "public",
        {
            # By what never changes: a code can be renamed, and given to another region.
            "fleet.region": "pk",
            "fleet.server": "region",
            "fleet.placement": "server__region",
        },
        _regions,
    ),
)
