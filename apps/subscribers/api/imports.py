"""Lists of subscribers over the API: brought, checked, then imported."""

from typing import Any, ClassVar
from uuid import UUID

from django.core.files.base import ContentFile
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.resources import Resource
from apps.core.api.serializers import ModelSerializer
from apps.core.exceptions import DryRunError
from apps.operations.api import OperationSerializer, accepted
from apps.operations.models import Operation
from apps.subscribers import imports
from apps.subscribers.models import ImportRow, SubscriberImport

# Longer lists are brought in the admin, or in several.
_MOST_CHARACTERS = 2 * 1024 * 1024


class ImportSerializer(ModelSerializer[SubscriberImport]):
    """A list: how many rows it has, how many are in error, and how far it is."""

    id = serializers.UUIDField(source="uuid", read_only=True)

    class Meta:
        model = SubscriberImport
        fields = (
            "id",
            "filename",
            "status",
            "mode",
            "cause",
            "total_rows",
            "error_rows",
            "created_rows",
            "created_at",
            "finished_at",
        )
        read_only_fields = fields


class NewImportSerializer(serializers.Serializer[Any]):
    """A list as the text of a CSV file, whose first line names the columns."""

    filename = serializers.CharField(max_length=200, required=False, default="list.csv")
    content = serializers.CharField(max_length=_MOST_CHARACTERS, trim_whitespace=False)


class StartSerializer(serializers.Serializer[Any]):
    """What happens to rows in error."""

    mode = serializers.ChoiceField(
        choices=SubscriberImport.Mode.choices,
        required=False,
        default=SubscriberImport.Mode.ALL_OR_NOTHING,
    )


class ImportErrorSerializer(ModelSerializer[ImportRow]):
    """A row in error, counted as a spreadsheet does: the header is row 1."""

    errors = serializers.ListField(  # type: ignore[assignment]
        child=serializers.DictField(child=serializers.CharField()), read_only=True
    )

    class Meta:
        model = ImportRow
        fields = ("row", "errors")
        read_only_fields = fields


class ImportViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    """Lists of subscribers. One is checked when it is brought, which changes nothing yet."""

    access = "imports"
    permissions: ClassVar = dict.fromkeys(
        ("list", "retrieve", "create", "start", "errors"), "subscribers.transfer"
    )
    serializer_class = ImportSerializer
    queryset = SubscriberImport.objects.all()
    filterset_fields = ("status",)

    @extend_schema(
        request=NewImportSerializer,
        responses={201: ImportSerializer},
        examples=[
            OpenApiExample(
                "Two rows",
                {
                    "filename": "customers.csv",
                    "content": "name,email\nDora Diaz,dora@example.com\nEmil Eze,\n",
                },
                request_only=True,
            )
        ],
    )
    def create(self, request: Request) -> Response:
        """Bring a list and check it, at once or, if it is long, as an operation."""
        if self._is_dry_run(request):
            raise DryRunError("Bringing a list is the trial: nothing is imported yet.")
        values = self.checked(NewImportSerializer)
        file = ContentFile(values["content"].encode(), name=values["filename"])
        return self.shown(imports.receive_file(file, actor=self.actor), 201)

    @extend_schema(request=StartSerializer, responses={202: OperationSerializer})
    @action(detail=True, methods=["post"])
    def start(self, request: Request, uuid: UUID) -> Response:
        """Import the checked rows; answers the operation, 409 where nothing can be imported."""
        source, values = self.get_object(), self.checked(StartSerializer)
        imports.start_import(source, mode=values["mode"], actor=self.actor)
        begun = Operation.objects.filter(subject_id=str(source.uuid)).order_by("-pk")[0]
        return accepted(begun)

    @extend_schema(responses={200: ImportErrorSerializer(many=True)})
    @action(detail=True, filter_backends=())
    def errors(self, request: Request, uuid: UUID) -> Response:
        """The rows in error, and what is wrong with each."""
        rows = self.get_object().rows.filter(is_good=False)
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(ImportErrorSerializer(page, many=True).data)
