"""The platform's backups over the API: what became of each, and to ask for one."""

from typing import ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.resources import Resource
from apps.backups import services
from apps.backups.models import BackupRun
from apps.backups.permissions import RUN, VIEW
from apps.core.api.serializers import ModelSerializer

_EXAMPLE = OpenApiExample(
    "A backup that was made",
    {
        "id": "0b1f3d52-54a4-4a43-b7a9-7f2d4f1d8a10",
        "kind": "full",
        "status": "done",
        "name": "20260131T090000Z-full",
        "size": 104857600,
        "read_bytes": 734003200,
        "error": "",
        "report": {},
        "created_at": "2026-01-31T09:00:00Z",
        "started_at": "2026-01-31T09:00:01Z",
        "finished_at": "2026-01-31T09:04:12Z",
    },
    response_only=True,
)


class BackupSerializer(ModelSerializer[BackupRun]):
    """A backup or a restore test; sizes in bytes, of what was read and of what was kept."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    report = serializers.DictField(read_only=True, help_text="What a restore test measured.")

    class Meta:
        model = BackupRun
        fields = (
            "id",
            "kind",
            "status",
            "name",
            "size",
            "read_bytes",
            "error",
            "report",
            "created_at",
            "started_at",
            "finished_at",
        )
        read_only_fields = fields


class NewBackupSerializer(serializers.Serializer[object]):
    """What is to be made."""

    kind = serializers.ChoiceField(choices=BackupRun.Kind.choices)


@extend_schema_view(
    list=extend_schema(examples=[_EXAMPLE]), retrieve=extend_schema(examples=[_EXAMPLE])
)
class BackupViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    """Backups and restore tests of the platform, for as long as they are remembered."""

    access = "backups"
    permissions: ClassVar = {"list": VIEW, "retrieve": VIEW, "create": RUN}
    serializer_class = BackupSerializer
    queryset = BackupRun.objects.all()
    filterset_fields = ("kind", "status")
    changed_fields = ("created_at", "started_at", "finished_at")

    @extend_schema(
        request=NewBackupSerializer,
        responses={202: BackupSerializer},
        examples=[OpenApiExample("A full one", {"kind": "full"}, request_only=True)],
    )
    def create(self, request: Request) -> Response:
        """Have one made now; 409 while another goes on, 400 before a place is set up."""
        kind = self.checked(NewBackupSerializer)["kind"]
        return self.shown(services.ask(kind, actor=self.actor), 202)
