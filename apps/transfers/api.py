"""A tenant's own data as a file, over the API."""

from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
)
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.resources import Resource
from apps.core.api.serializers import ModelSerializer
from apps.operations.models import Operation
from apps.transfers.permissions import EXPORT
from apps.transfers.services import PIPELINE, export_of, start_export, tenant_here
from apps.transfers.views import answer_file

# Makers of clients know no other type of a file.
_BYTES = "application/octet-stream"
_EXAMPLE = OpenApiExample(
    "A file that is there",
    {
        "id": "0b1f3d52-54a4-4a43-b7a9-7f2d4f1d8a10",
        "status": "succeeded",
        "size": 18874368,
        "kept_until": "2026-02-07T09:00:02Z",
        "created_at": "2026-01-31T09:00:00Z",
        "finished_at": "2026-01-31T09:00:02Z",
    },
    response_only=True,
)


class ExportSerializer(ModelSerializer[Operation]):
    """An export: the operation that makes it, and its file once that has succeeded."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    size = serializers.SerializerMethodField(help_text="Bytes.")
    kept_until = serializers.SerializerMethodField(
        help_text="Null while there is no file, and once it is not kept any more."
    )

    class Meta:
        model = Operation
        fields: tuple[str, ...] = (
            "id",
            "status",
            "size",
            "kept_until",
            "created_at",
            "finished_at",
        )
        read_only_fields = fields

    def get_size(self, row: Operation) -> int:
        """Of the file."""
        return export_of(row).size

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_kept_until(self, row: Operation) -> Any:
        """Until when it can be taken."""
        return export_of(row).until


class Exports(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    """Exports as they are listed and taken, whoever asks for them."""

    access = "exports"
    serializer_class = ExportSerializer
    queryset = Operation.objects.filter(name=PIPELINE)
    filterset_fields: tuple[str, ...] = ("status",)
    changed_fields = ("created_at", "started_at", "finished_at")

    @extend_schema(responses={(200, _BYTES): OpenApiTypes.BINARY})
    @action(detail=True)
    def file(self, request: Request, uuid: UUID) -> HttpResponseBase:
        """The file; each download is an event. 404 once it is not kept any more."""
        answer = answer_file(self.get_object(), actor=self.actor)
        answer["Content-Type"] = _BYTES
        return answer


@extend_schema_view(
    list=extend_schema(examples=[_EXAMPLE]), retrieve=extend_schema(examples=[_EXAMPLE])
)
class ExportViewSet(Exports):
    """Exports of all data; a file is kept for seven days."""

    permissions: ClassVar = dict.fromkeys(("list", "retrieve", "create", "file"), EXPORT)

    @extend_schema(request=None, responses={202: ExportSerializer}, examples=[_EXAMPLE])
    def create(self, request: Request) -> Response:
        """Have all data written into a file; 409 while that goes on."""
        begun = start_export(tenant_here(), permission=EXPORT, actor=self.actor)
        return self.shown(begun, 202)
