"""What roles can hold of organisations."""

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
        "organisations.view",
        _("See organisations"),
        (ADMIN, TECHNICIAN, BILLING, SUPPORT, VIEWER),
        rights("tenants", "organisation", "membership"),
        ("public",),
    ),
)
