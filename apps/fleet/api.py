"""The operator's machines over the API, and what is placed on them."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.bulk_api import BulkUpsert
from apps.accounts.resources import LabelledResource, Resource
from apps.core.api.bulk import described_bulk
from apps.core.api.labels import Labels, Shown
from apps.core.api.serializers import ModelSerializer
from apps.core.exceptions import DomainError
from apps.fleet.models import Placement, Region, Server, ServerPlan
from apps.fleet.permissions import LOSE
from apps.fleet.services import losing, records, servers
from apps.fleet.services.losing import LONGEST_REASON
from apps.operations.api import OperationSerializer, accepted

ROOM = ("cpu_millis", "memory_mb", "disk_mb")


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
            "address_prefix",
            "engine_version",
            "last_seen_at",
        )
        read_only_fields = fields

    def get_plan(self, server: Server) -> str | None:
        """The name of its size."""
        return server.plan.name if server.plan else None


class _Described(Labels, ModelSerializer[Server]):
    """What the operator writes down of a server; what is left out of its room is as in the plan."""

    region = serializers.SlugRelatedField(slug_field="code", queryset=Region.objects.all())
    plan = serializers.SlugRelatedField(
        slug_field="name",
        queryset=ServerPlan.objects.all(),
        required=False,
        allow_null=True,
        help_text="The name of its size.",
    )
    engine_url = serializers.CharField(
        max_length=200,
        required=False,
        write_only=True,
        help_text="How its engine is reached; it is not shown again.",
    )

    class Meta:
        model = Server
        fields = ("name", "region", "plan", "engine_url", "address_prefix", *ROOM)
        extra_kwargs: ClassVar[dict[str, Any]] = {name: {"required": False} for name in ROOM}


class NewServerSerializer(_Described):
    """A server to add."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """With the room of its plan, where none is given."""
        plan = attrs.get("plan")
        for name in ROOM:
            if name not in attrs and plan is None:
                raise serializers.ValidationError(
                    {name: [_("Give a number, or choose a plan that has it.")]}
                )
            attrs.setdefault(name, getattr(plan, name, None))
        return attrs


class ServerChangesSerializer(_Described):
    """What can change of a server; its first network only while nothing is placed there."""


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


class LossSerializer(serializers.Serializer[Any]):
    """Which server, once more by its name, and why."""

    name = serializers.CharField(max_length=60)
    reason = serializers.CharField(max_length=LONGEST_REASON)


@extend_schema_view(
    bulk=described_bulk(
        "servers",
        ServerChangesSerializer,
        {"name": "fra-3", "region": "fra", "plan": "large", "engine_url": "ssh://dotmac@fra-3"},
        {"external_id": "rack-7", "memory_mb": 65536},
    )
)
class ServerViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, BulkUpsert, LabelledResource):
    """Hosts with a container engine."""

    access = "fleet"
    permissions: ClassVar = {"lose": LOSE, "clear": LOSE}
    serializer_class = ServerSerializer
    queryset = Server.objects.all()
    filterset_fields = ("name", "status", "is_draining", "region__code")
    bulk_name, bulk_keys = "servers", ("external_id", "name")
    new_row, changed_row = NewServerSerializer, ServerChangesSerializer

    def get_queryset(self) -> QuerySet[Server]:
        """With region and size."""
        return Server.objects.select_related("region", "plan")

    @extend_schema(request=NewServerSerializer, responses={201: ServerSerializer})
    def create(self, request: Request) -> Response:
        """Add a server; it takes instances once it answers."""
        return self.shown(self.add(self.checked(NewServerSerializer)), 201)

    def add(self, values: dict[str, Any]) -> Server:
        """Written down, to be probed."""
        row = Server(**values)
        records.add(row, actor=self.actor)
        self.label(row)
        return row

    @extend_schema(request=ServerChangesSerializer, responses={200: ServerSerializer})
    def partial_update(self, request: Request, uuid: UUID) -> Response:
        """Change where it is, how it is reached, or what may be reserved on it."""
        row = self.get_object()
        self.change(row, self.checked(ServerChangesSerializer, row))
        return self.shown(row)

    def change(self, row: Server, values: dict[str, Any]) -> None:
        """What differs, and the labels."""
        records.change_to(row, values, actor=self.actor)
        self.label(row)

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
