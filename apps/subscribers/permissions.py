"""What roles can hold of subscribers and their services."""

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

_KINDS = ("workspace",)
_MODELS = ("subscriber", "service")
PERMISSIONS = (
    Permission(
        "subscribers.view",
        _("See subscribers and their services"),
        (ADMIN, TECHNICIAN, BILLING, SUPPORT, VIEWER),
        (*rights("subscribers", *_MODELS), *rights("core", "tombstone")),
        _KINDS,
    ),
    Permission(
        "subscribers.change",
        _("Add and change subscribers, add and activate services"),
        (ADMIN, TECHNICIAN, SUPPORT),
        rights("subscribers", *_MODELS, on="view add change"),
        _KINDS,
    ),
    Permission(
        "subscribers.suspend",
        _("Suspend and resume services"),
        (ADMIN, BILLING, SUPPORT),
        rights("subscribers", *_MODELS),
        _KINDS,
    ),
    Permission(
        "subscribers.end",
        _("Terminate services, archive subscribers"),
        (ADMIN, SUPPORT),
        rights("subscribers", *_MODELS),
        _KINDS,
    ),
    Permission(
        "subscribers.erase",
        _("Export and erase the personal data of subscribers"),
        (ADMIN,),
        rights("subscribers", *_MODELS),
        _KINDS,
    ),
    Permission(
        "subscribers.transfer",
        _("Import and export lists of subscribers"),
        (ADMIN,),
        rights("subscribers", *_MODELS),
        _KINDS,
    ),
)
