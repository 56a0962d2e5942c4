"""Django's own questions about rights, answered by the access function alone."""

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from apps.accounts.access import held_by, may
from apps.accounts.models import User


class RoleBackend(BaseBackend):
    """Stands first and speaks for all: its no is final. It signs nobody in itself."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        """The next backend checks passwords."""

    def get_user(self, user_id: int) -> User | None:
        """Who a session belongs to, with their role; nobody who is switched off."""
        people = User.objects.select_related("membership__own_role")
        return people.filter(pk=user_id, is_active=True).first()

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """What the role of a member grants."""
        return set(held_by(user_obj)) if isinstance(user_obj, User) else set()

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        """Whether they may; PermissionDenied keeps other backends from granting it."""
        if not may(user_obj, perm, obj):
            raise PermissionDenied
        return True

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Whether they have any right in an app."""
        is_member = isinstance(user_obj, User) and user_obj.is_active and user_obj.is_staff
        if not is_member or not any(one.startswith(f"{app_label}.") for one in held_by(user_obj)):
            raise PermissionDenied
        return True
