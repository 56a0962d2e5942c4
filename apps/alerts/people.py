"""Who is told: of the operator's people those who can look at it, or only the owners."""

from apps.accounts.access import may
from apps.accounts.models import User


def owners() -> list[User]:
    """The active owners of the current schema."""
    return list(User.objects.filter(is_active=True, is_superuser=True).order_by("pk"))


def who_may(permission: str) -> list[User]:
    """The active staff of the current schema who hold a permission."""
    found = User.objects.filter(is_active=True, is_staff=True).order_by("pk")
    return [user for user in found.select_related("membership__own_role") if may(user, permission)]
