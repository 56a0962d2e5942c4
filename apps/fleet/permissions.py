"""What roles can hold of servers and the edge."""

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from apps.core.permissions import ADMIN, SUPPORT, TECHNICIAN, VIEWER, Limit, Permission, rights
from apps.fleet.models import Region

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
)


def _regions() -> Iterable[tuple[str, str]]:
    return [(region.code, region.name) for region in Region.objects.order_by("name")]


LIMITS = (
    Limit(
        "region",
        _("Region"),
        "public",
        {
            "fleet.region": "code",
            "fleet.server": "region__code",
            "fleet.placement": "server__region__code",
        },
        _regions,
    ),
)
