"""What roles can hold of single sign-on."""

from django.utils.translation import gettext_lazy as _

from apps.core.permissions import Permission, rights

PERMISSIONS = (
    # A client learns who people are: owners, and whom they name.
    Permission(
        "sso.manage",
        _("Let other tools sign people in with their account here"),
        (),
        rights("idp", "relyingparty", on="view add change delete"),
        ("public",),
    ),
)
