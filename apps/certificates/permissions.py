"""What roles can hold of certificates."""

from django.utils.translation import gettext_lazy as _

from apps.core.permissions import ADMIN, SUPPORT, TECHNICIAN, VIEWER, Permission, rights

_KINDS = ("public",)
PERMISSIONS = (
    Permission(
        "certificates.view",
        _("See certificates and their history"),
        (ADMIN, TECHNICIAN, SUPPORT, VIEWER),
        rights("certificates", "certificate"),
        _KINDS,
    ),
    Permission(
        "certificates.change",
        _("Renew and revoke certificates"),
        (ADMIN, TECHNICIAN),
        (),
        _KINDS,
    ),
    # Who holds the DNS holds everything: owners, and whom they name.
    Permission(
        "certificates.account",
        _("Set up the certificate authority and the DNS"),
        (),
        rights("certificates", "acmeaccount", on="view change"),
        _KINDS,
    ),
)
