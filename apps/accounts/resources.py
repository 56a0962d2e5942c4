"""What the resources of the API stand on: who may use them, and their manners."""

from typing import Any

from django.db.models import Model
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from apps.accounts.permissions import IsStaff
from apps.core.api.views import Manners
from apps.events.actors import Actor, user_actor

_RIGHTS = {"GET": "view", "HEAD": "view", "OPTIONS": "view"}


class MayUse(IsStaff):
    """Staff with the rights that the admin asks for on the same rows."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the person may see, add or change rows of the resource's model."""
        if not super().has_permission(request, view):
            return False
        queryset = getattr(view, "queryset", None)
        if queryset is None or not getattr(view, "asks_rights", True):
            return True
        right = _RIGHTS.get(str(request.method))
        right = right or ("add" if getattr(view, "action", "") in ("create", "bulk") else "change")
        options = queryset.model._meta
        return bool(request.user.has_perm(f"{options.app_label}.{right}_{options.model_name}"))


class Resource(Manners, GenericViewSet[Any]):
    """A resource of the API, for staff of its schema."""

    permission_classes = [MayUse]
    # What a key's scope calls it.
    access = ""
    asks_rights = True
    lookup_field = "uuid"
    lookup_value_converter = "uuid"

    @property
    def actor(self) -> Actor:
        """Who asks."""
        return user_actor(self.request.user)

    def shown(self, row: Model, status: int = 200) -> Response:
        """A row as it is after it was changed."""
        again = self.get_queryset().get(pk=row.pk)
        shown = self.get_serializer_class()(again, context={"request": self.request}).data
        return Response(shown, status=status)

    def checked(self, serializer: Any, row: Model | None = None) -> dict[str, Any]:
        """The request's values by a serializer class; of a row only those that are sent."""
        asked = serializer(row, data=self.request.data, partial=row is not None)
        asked.is_valid(raise_exception=True)
        values: dict[str, Any] = asked.validated_data
        return values
