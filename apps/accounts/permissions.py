"""Who may use the API."""

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView


class IsStaff(BasePermission):
    """Active staff of the schema."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the key's maker is staff here."""
        return bool(request.user and request.user.is_active and request.user.is_staff)
