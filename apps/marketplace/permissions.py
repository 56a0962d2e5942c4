"""What roles can hold of the catalogue."""

from django.utils.translation import gettext_lazy as _

from apps.core.permissions import (
    ADMIN,
    BILLING,
    SUPPORT,
    TECHNICIAN,
    VIEWER,
    Permission,
    rights,
)

PERMISSIONS = (
    Permission(
        "catalogue.view",
        _("See the catalogue"),
        (ADMIN, TECHNICIAN, BILLING, SUPPORT, VIEWER),
        rights("marketplace", "app", "release"),
        ("public", "console"),
    ),
    Permission(
        "catalogue.change",
        _("Show and hide apps, withdraw releases"),
        (ADMIN, TECHNICIAN),
        rights("marketplace", "app", "release", on="view change"),
        ("public",),
    ),
)
