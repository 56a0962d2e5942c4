"""The data of organisations as files, over the operator's API."""

from typing import Any, ClassVar

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.exceptions import DomainError
from apps.operations.models import Operation
from apps.tenants.models import Organisation
from apps.tenants.views.export import PERMISSION, places_of
from apps.transfers.api import Exports, ExportSerializer
from apps.transfers.services import PIPELINE, start_export

_ID = "4c2f0d0e-2f7a-4f65-9a1b-7b0a3c5d8e21"
_EXAMPLE = OpenApiExample(
    "A file of a workspace",
    {
        "id": "0b1f3d52-54a4-4a43-b7a9-7f2d4f1d8a10",
        "schema": "w_acme",
        "status": "succeeded",
        "size": 18874368,
        "kept_until": "2026-02-07T09:00:02Z",
        "created_at": "2026-01-31T09:00:00Z",
        "finished_at": "2026-01-31T09:00:02Z",
    },
    response_only=True,
)


class TenantExportSerializer(ExportSerializer):
    """With whose data it is."""

    schema = serializers.CharField(source="params.schema", read_only=True)

    class Meta(ExportSerializer.Meta):
        fields = (*ExportSerializer.Meta.fields, "schema")
        read_only_fields = fields


class NewExportSerializer(serializers.Serializer[Any]):
    """What is to be exported."""

    organisation = serializers.UUIDField(help_text="Its id.")
    what = serializers.ChoiceField(choices=["console", "workspace"])


@extend_schema_view(
    list=extend_schema(examples=[_EXAMPLE]), retrieve=extend_schema(examples=[_EXAMPLE])
)
class TenantExportViewSet(Exports):
    """Exports of consoles and workspaces; a file is kept for seven days."""

    permissions: ClassVar = dict.fromkeys(("list", "retrieve", "create", "file"), PERMISSION)
    serializer_class = TenantExportSerializer
    queryset = Operation.objects.filter(name=PIPELINE, params__permission=PERMISSION)
    filterset_fields = ("status", "subject_id")

    @extend_schema(
        request=NewExportSerializer,
        responses={202: TenantExportSerializer},
        examples=[
            _EXAMPLE,
            OpenApiExample(
                "A workspace", {"organisation": _ID, "what": "workspace"}, request_only=True
            ),
        ],
    )
    def create(self, request: Request) -> Response:
        """Have a console or a workspace written into a file; 409 while that goes on."""
        values = self.checked(NewExportSerializer)
        row = Organisation.objects.filter(uuid=values["organisation"]).first()
        if row is None:
            raise DomainError(_("There is no such organisation."), field="organisation")
        found = [one for one in places_of(row) if one.kind == values["what"] and one.is_here]
        if not found:
            raise DomainError(_("Its data do not lie in this database."), field="what")
        begun = start_export(found[0].tenant, permission=PERMISSION, actor=self.actor)
        return self.shown(begun, 202)
