"""The operator's machines over the API: where things run and how they are reached."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.resources import LabelledResource, Resource
from apps.core.api.labels import Shown
from apps.core.api.serializers import ModelSerializer
from apps.core.exceptions import DomainError
from apps.fleet.models import Placement, Region, Route, Server, ServerPlan
from apps.fleet.permissions import LOSE
from apps.fleet.services import losing, servers
from apps.fleet.services.losing import LONGEST_REASON
from apps.operations.api import OperationSerializer, accepted


class RegionSerializer(Shown):
    """A place with servers."""

    class Meta:
        model = Region
        fields = ("code", "name", "country", "is_open")
        read_only_fields = fields


class ServerPlanSerializer(Shown):
    """A size of server; memory and disk in MiB, CPU in thousandths of a core."""

    class Meta:
        model = ServerPlan
        fields = ("id", "name", "cpu_millis", "memory_mb", "disk_mb")
        read_only_fields = fields


class ServerSerializer(Shown):
    """A host; how its engine is reached stays on the platform."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    region = serializers.CharField(source="region.code", read_only=True)
    plan = serializers.SerializerMethodField()

    class Meta:
        model = Server
        fields = (
            "id",
            "name",
            "region",
            "plan",
            "status",
            "status_note",
            "is_draining",
            "lost_at",
            "lost_reason",
            "cpu_millis",
            "memory_mb",
            "disk_mb",
            "engine_version",
            "last_seen_at",
        )
        read_only_fields = fields

    def get_plan(self, server: Server) -> str | None:
        """The name of its size."""
        return server.plan.name if server.plan else None


class PlacementSerializer(ModelSerializer[Placement]):
    """What a deployment of an instance reserves on a server."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    server = serializers.SerializerMethodField()

    class Meta:
        model = Placement
        fields = (
            "id",
            "schema",
            "instance",
            "instance_name",
            "deployment",
            "server",
            "status",
            "cpu_millis",
            "memory_mb",
            "disk_mb",
            "created_at",
            "activated_at",
            "released_at",
        )
        read_only_fields = fields

    @extend_schema_field(serializers.UUIDField(allow_null=True))
    def get_server(self, placement: Placement) -> str | None:
        """The server's id; null on the platform itself."""
        return str(placement.server.uuid) if placement.server else None


class RouteSerializer(ModelSerializer[Route]):
    """A hostname and whose it is; its upstreams are inside the platform."""

    class Meta:
        model = Route
        fields = ("hostname", "schema", "instance", "notice", "revision", "updated_at")
        read_only_fields = fields


class LossSerializer(serializers.Serializer[Any]):
    """Which server, once more by its name, and why."""

    name = serializers.CharField(max_length=60)
    reason = serializers.CharField(max_length=LONGEST_REASON)


class RegionViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, LabelledResource):
    """Places with servers."""

    access = "fleet"
    serializer_class = RegionSerializer
    queryset = Region.objects.all()
    lookup_field = "code"
    lookup_value_converter = "slug"
    filterset_fields = ("is_open", "country")


class ServerPlanViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, LabelledResource):
    """Sizes of servers."""

    access = "fleet"
    serializer_class = ServerPlanSerializer
    queryset = ServerPlan.objects.all()
    lookup_field = "pk"
    lookup_value_converter = "str"


class ServerViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, LabelledResource):
    """Hosts with a container engine."""

    access = "fleet"
    permissions: ClassVar = {"lose": LOSE, "clear": LOSE}
    serializer_class = ServerSerializer
    queryset = Server.objects.all()
    filterset_fields = ("status", "is_draining", "region__code")

    def get_queryset(self) -> QuerySet[Server]:
        """With region and size."""
        return Server.objects.select_related("region", "plan")

    @extend_schema(request=None, responses={200: ServerSerializer})
    @action(detail=True, methods=["post"])
    def drain(self, request: Request, uuid: UUID) -> Response:
        """Give it no new instance; it keeps what it has."""
        return self._step(servers.drain)

    @extend_schema(request=None, responses={200: ServerSerializer})
    @action(detail=True, methods=["post"])
    def activate(self, request: Request, uuid: UUID) -> Response:
        """Let it take new instances again."""
        return self._step(servers.activate_server)

    @extend_schema(request=None, responses={200: ServerSerializer})
    @action(detail=True, methods=["post"])
    def retire(self, request: Request, uuid: UUID) -> Response:
        """Take it out of service; 409 while something is placed on it."""
        return self._step(servers.retire)

    @extend_schema(request=LossSerializer, responses={200: ServerSerializer})
    @action(detail=True, methods=["post"])
    def lose(self, request: Request, uuid: UUID) -> Response:
        """Give it up for good with what runs on it; 409 unless it is unreachable."""
        row, values = self.get_object(), self.checked(LossSerializer)
        if values["name"] != row.name:
            raise DomainError(_("This is not the name of the server."), field="name")
        losing.declare_lost(row, reason=values["reason"], actor=self.actor)
        return self.shown(row)

    @extend_schema(request=None, responses={202: OperationSerializer})
    @action(detail=True, methods=["post"])
    def clear(self, request: Request, uuid: UUID) -> Response:
        """Remove what a lost one still has of before; 409 while it does not answer."""
        return accepted(losing.remove_leftovers(self.get_object(), actor=self.actor))

    def _step(self, step: Callable[..., object]) -> Response:
        row = self.get_object()
        step(row, actor=self.actor)
        return self.shown(row)


class PlacementViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    """What is reserved, on which server, for whom."""

    access = "fleet"
    serializer_class = PlacementSerializer
    queryset = Placement.objects.all()
    filterset_fields = ("status", "schema", "instance", "server__uuid")
    changed_fields = ("created_at", "activated_at", "released_at")

    def get_queryset(self) -> QuerySet[Placement]:
        """With their servers."""
        return Placement.objects.select_related("server")


class RouteViewSet(mixins.ListModelMixin, Resource):
    """Hostnames and whose they are."""

    access = "fleet"
    serializer_class = RouteSerializer
    queryset = Route.objects.all()
    filterset_fields = ("hostname", "schema", "instance")
