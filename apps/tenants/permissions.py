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
        rights("tenants", "organisation", "membership", "impersonation", "erasure"),
        ("public",),
    ),
    Permission(
        "organisations.impersonate",
        _("Enter organisations as support, with a reason"),
        # Admins too: they could give the role to themselves.
        (ADMIN, SUPPORT),
        rights("tenants", "organisation", "impersonation"),
        ("public",),
    ),
    Permission(
        "tenants.export",
        _("Export the data of organisations"),
        (ADMIN,),
        kinds=("public",),
    ),
    Permission(
        "organisations.close",
        _("Close organisations, and take that back"),
        (ADMIN,),
        kinds=("public",),
    ),
    Permission(
        "organisations.adopt",
        _("Import tenants, and make organisations of them"),
        (ADMIN,),
        kinds=("public",),
    ),
    Permission(
        "tenants.releases",
        _("See which tenants are behind a release"),
        (ADMIN, TECHNICIAN, SUPPORT),
        rights("tenancy", "failedmigration"),
        ("public",),
    ),
    Permission(
        "tenants.migrate",
        _("Migrate all tenants"),
        (ADMIN, TECHNICIAN),
        kinds=("public",),
    ),
)
