"""What roles can hold of people, roles and keys.

Nothing here grants rights on sign-in policies and identity providers, which stay with owners: a
provider opens any account, an owner's too, and the policy can keep everybody out.
"""

from django.utils.translation import gettext_lazy as _

from apps.core.permissions import ADMIN, TECHNICIAN, Permission, rights

PERMISSIONS = (
    Permission(
        "people.view",
        _("See people and their roles"),
        (ADMIN,),
        rights("accounts", "user", "role", "invitation"),
    ),
    Permission(
        "people.manage",
        _("Invite and add people, give them roles, switch them off, end their sessions"),
        (ADMIN,),
        (
            *rights("accounts", "user", on="view add change"),
            *rights("accounts", "invitation", on="view add"),
        ),
    ),
    Permission(
        "people.erase",
        _("Export and erase the personal data of people"),
        (ADMIN,),
        rights("accounts", "user"),
    ),
    Permission(
        "roles.manage",
        _("Make and change roles"),
        (ADMIN,),
        rights("accounts", "role", on="view add change delete"),
    ),
    Permission(
        "keys.use",
        _("Make service accounts and API keys, up to what one holds"),
        (ADMIN, TECHNICIAN),
        (
            *rights("accounts", "apikey", on="view add"),
            *rights("accounts", "serviceaccount", on="view add change"),
        ),
    ),
)
