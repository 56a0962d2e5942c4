"""What was deleted, over the API, for programs that keep a copy."""

from typing import ClassVar

import django_filters
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, serializers

from apps.accounts.resources import Resource
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


@extend_schema_view(list=extend_schema(examples=[_EXAMPLE]))
class DeletedViewSet(mixins.ListModelMixin, Resource):
    """What was deleted in the last 90 days, newest first."""

    access = "deleted"
    permissions: ClassVar = {"list": "operations.view"}
    serializer_class = TombstoneSerializer
    queryset = Tombstone.objects.all()
    filterset_class = TombstoneFilter
