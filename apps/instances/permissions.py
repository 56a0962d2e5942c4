"""What roles can hold of instances."""

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from apps.core.permissions import (
    ADMIN,
    BILLING,
    SUPPORT,
    TECHNICIAN,
    VIEWER,
    Limit,
    Permission,
    rights,
)
from apps.instances.models import Instance

_KINDS = ("console",)
PERMISSIONS = (
    Permission(
        "instances.view",
        _("See instances"),
        (ADMIN, TECHNICIAN, BILLING, SUPPORT, VIEWER),
        rights("instances", "instance"),
        _KINDS,
        is_limitable=True,
    ),
    Permission(
        "instances.install",
        _("Deploy new apps from the catalogue"),
        (ADMIN, TECHNICIAN),
        rights("instances", "instance"),
        _KINDS,
    ),
    Permission(
        "instances.deploy",
        _("Deploy releases and change settings"),
        (ADMIN, TECHNICIAN),
        rights("instances", "instance", on="view change"),
        _KINDS,
        is_limitable=True,
    ),
    Permission(
        "instances.stop",
        _("Stop and start instances"),
        (ADMIN, TECHNICIAN),
        rights("instances", "instance"),
        _KINDS,
        is_limitable=True,
    ),
    Permission(
        "instances.suspend",
        _("Suspend and resume instances"),
        (ADMIN,),
        rights("instances", "instance"),
        _KINDS,
        is_limitable=True,
    ),
    Permission(
        "instances.archive",
        _("Archive instances"),
        (ADMIN,),
        rights("instances", "instance"),
        _KINDS,
        is_limitable=True,
    ),
)


def _instances() -> Iterable[tuple[str, str]]:
    return [(str(row.uuid), row.name) for row in Instance.objects.order_by("name")]


LIMITS = (
    Limit(
        "instance",
        _("Instance"),
        "console",
        {"instances.instance": "uuid", "operations.operation": "subject_id"},
        _instances,
    ),
)
