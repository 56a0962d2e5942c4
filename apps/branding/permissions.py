"""What roles can hold of how a level looks, and of how its mails leave."""

from django.utils.translation import gettext_lazy as _

from apps.core.permissions import ADMIN, Permission, rights

PERMISSIONS = (
    Permission(
        "brand.change",
        _("Change the brand"),
        (ADMIN,),
        rights("branding", "brand", on="view change"),
    ),
    # A mail server reads what goes by it, as the links by which owners choose a new password: for
    # owners, and whom they name.
    Permission(
        "mail.manage",
        _("Set up the mail server, which reads every mail, links for new passwords too"),
        (),
        rights("branding", "sender", on="view change"),
    ),
)
