"""What was deleted, over the API, for programs that keep a copy."""

from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.accounts.access import may
from apps.accounts.resources import Resource, right_to_list
from apps.core.api.serializers import ModelSerializer
from apps.core.models import Tombstone

_EXAMPLE = OpenApiExample(
    "A deleted subscriber",
    {
        "resource": "subscribers",
        "id": "1d7e1d0e-6f2c-4c7e-8b0a-2f6c6b7a9d33",
        "deleted": True,
        "deleted_at": "2026-01-31T09:00:00Z",
    },
    response_only=True,
)


class TombstoneSerializer(ModelSerializer[Tombstone]):
    """That something is gone."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    deleted = serializers.SerializerMethodField()

    class Meta:
        model = Tombstone
        fields = ("resource", "id", "deleted", "deleted_at")
        read_only_fields = fields

    def get_deleted(self, tombstone: Tombstone) -> bool:
        """Always true, so that a program can treat it like a row that changed."""
        return True


class TombstoneFilter(django_filters.FilterSet):
    """Which deletions are listed."""

    updated_since = django_filters.IsoDateTimeFilter(field_name="deleted_at", lookup_expr="gte")

    class Meta:
        model = Tombstone
        fields = ("resource",)


class MayFollow(BasePermission):
    """Those who may list at least one of the resources whose rows leave tombstones."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether there is one."""
        return bool(_listed(request, view))


@extend_schema_view(list=extend_schema(examples=[_EXAMPLE]))
class DeletedViewSet(mixins.ListModelMixin, Resource):
    """What was deleted in the last 90 days, newest first, of the resources that you may list."""

    access = "deleted"
    permission_classes = [MayFollow]
    # By the names that tombstones have; filled where the addresses are composed.
    followed: ClassVar[dict[str, type[Resource]]] = {}
    serializer_class = TombstoneSerializer
    queryset = Tombstone.objects.all()
    filterset_class = TombstoneFilter

    def get_queryset(self) -> QuerySet[Tombstone]:
        """Of what the program may list while it is there."""
        return Tombstone.objects.filter(resource__in=_listed(self.request, self))


def _listed(request: Request, view: Any) -> list[str]:
    return [name for name, one in view.followed.items() if may(request.user, right_to_list(one))]
