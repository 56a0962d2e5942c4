"""Regions and sizes of servers over the operator's API."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.bulk_api import BulkUpsert
from apps.accounts.resources import LabelledResource
from apps.core.api.bulk import described_bulk
from apps.core.api.labels import Labels, Shown
from apps.core.api.serializers import ModelSerializer
from apps.fleet.models import Region, ServerPlan
from apps.fleet.services import records

_EXAMPLE = OpenApiExample(
    "A region",
    {
        "code": "fra",
        "name": "Frankfurt",
        "country": "DE",
        "is_open": True,
        "external_id": "",
        "metadata": {},
        "updated_at": "2026-01-31T09:00:00Z",
    },
    response_only=True,
)


class RegionSerializer(Shown):
    """A place with servers."""

    class Meta:
        model = Region
        fields = ("code", "name", "country", "is_open")
        read_only_fields = fields


class RegionChangesSerializer(Labels, ModelSerializer[Region]):
    """A region; organisations sign up to those that are open."""

    country = serializers.RegexField(
        r"^[A-Z]{2}\Z", required=False, allow_blank=True, help_text="ISO 3166, two letters."
    )

    class Meta:
        model = Region
        fields = ("code", "name", "country", "is_open")


class ServerPlanSerializer(Shown):
    """A size of server; memory and disk in MiB, CPU in thousandths of a core."""

    class Meta:
        model = ServerPlan
        fields = ("id", "name", "cpu_millis", "memory_mb", "disk_mb")
        read_only_fields = fields


class ServerPlanChangesSerializer(Labels, ModelSerializer[ServerPlan]):
    """What may be reserved on a server of this size; servers that are there keep theirs."""

    class Meta:
        model = ServerPlan
        fields = ("name", "cpu_millis", "memory_mb", "disk_mb")


class _Records(mixins.ListModelMixin, mixins.RetrieveModelMixin, BulkUpsert, LabelledResource):
    """Rows that the operator writes down; none is ever deleted."""

    access = "fleet"
    model: type[Region | ServerPlan]

    def add(self, values: dict[str, Any]) -> Any:
        """Written down, with its labels."""
        row = self.model(**values)
        records.add(row, actor=self.actor)
        self.label(row)
        return row

    def change(self, row: Any, values: dict[str, Any]) -> None:
        """What differs, and the labels."""
        records.change_to(row, values, actor=self.actor)
        self.label(row)

    def added(self) -> Response:
        """What was sent, as a new row."""
        return self.shown(self.add(self.checked(self.new_row)), 201)

    def changed(self) -> Response:
        """What was sent of a row."""
        row = self.get_object()
        self.change(row, self.checked(self.new_row, row))
        return self.shown(row)


@extend_schema_view(
    list=extend_schema(examples=[_EXAMPLE]),
    retrieve=extend_schema(examples=[_EXAMPLE]),
    bulk=described_bulk(
        "regions",
        RegionChangesSerializer,
        {"code": "fra", "name": "Frankfurt", "country": "DE"},
        {"code": "par", "is_open": False},
    ),
)
class RegionViewSet(_Records):
    """Places with servers."""

    serializer_class = RegionSerializer
    queryset, model = Region.objects.all(), Region
    lookup_field = "code"
    lookup_value_converter = "slug"
    filterset_fields = ("is_open", "country")
    bulk_name, bulk_keys = "regions", ("external_id", "code")
    new_row = changed_row = RegionChangesSerializer

    @extend_schema(request=RegionChangesSerializer, responses={201: RegionSerializer})
    def create(self, request: Request) -> Response:
        """Add a region, to which servers can be added."""
        return self.added()

    @extend_schema(request=RegionChangesSerializer, responses={200: RegionSerializer})
    def partial_update(self, request: Request, code: str) -> Response:
        """Change it, or close it for new organisations."""
        return self.changed()


@extend_schema_view(
    bulk=described_bulk(
        "server_plans",
        ServerPlanChangesSerializer,
        {"name": "large", "cpu_millis": 16000, "memory_mb": 65536, "disk_mb": 512000},
        {"name": "small", "memory_mb": 4096},
    )
)
class ServerPlanViewSet(_Records):
    """Sizes of servers."""

    serializer_class = ServerPlanSerializer
    queryset, model = ServerPlan.objects.all(), ServerPlan
    lookup_field = "pk"
    lookup_value_converter = "str"
    filterset_fields = ("name",)
    bulk_name, bulk_keys = "server_plans", ("external_id", "name")
    new_row = changed_row = ServerPlanChangesSerializer

    @extend_schema(request=ServerPlanChangesSerializer, responses={201: ServerPlanSerializer})
    def create(self, request: Request) -> Response:
        """Add a size."""
        return self.added()

    @extend_schema(request=ServerPlanChangesSerializer, responses={200: ServerPlanSerializer})
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change it; servers that are there keep the room that they have."""
        return self.changed()
