"""What the resources of the API stand on: who may use them, and their manners."""

from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from apps.accounts.access import may, within_limits
from apps.core.api.views import Manners
from apps.events.actors import Actor, user_actor

_RIGHTS = {"GET": "view", "HEAD": "view", "OPTIONS": "view"}


class MayUse(BasePermission):
    """Staff whose role grants what the resource asks for, or what the admin does of its rows."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the person behind the key may do this to rows of the resource."""
        return may(request.user, self._wanted(request, view))

    @staticmethod
    def _wanted(request: Request, view: Any) -> str:
        named: str | None = view.permissions.get(view.action)
        if named is not None:
            return named
        right = _RIGHTS.get(str(request.method))
        right = right or ("add" if view.action in ("create", "bulk") else "change")
        options = view.queryset.model._meta
        return f"{options.app_label}.{right}_{options.model_name}"


class Resource(Manners, GenericViewSet[Any]):
    """A resource of the API, for staff of its schema."""

    permission_classes = [MayUse]
    # What a key's scope calls it.
    access = ""
    # What an action asks for by name, where that is not a right on the resource's rows.
    permissions: ClassVar[dict[str, str]] = {}
    lookup_field = "uuid"
    lookup_value_converter = "uuid"

    @property
    def actor(self) -> Actor:
        """Who asks."""
        return user_actor(self.request.user)

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Of what a limited member is limited to."""
        return super().filter_queryset(within_limits(self.request.user, queryset))

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
