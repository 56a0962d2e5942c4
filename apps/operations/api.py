"""Operations over the API, in every kind of schema."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.resources import Resource
from apps.core.api.serializers import ModelSerializer
from apps.operations import services
from apps.operations.access import require_steer
from apps.operations.models import Operation, Step


class StepSerializer(ModelSerializer[Step]):
    """One step."""

    percent = serializers.IntegerField(
        read_only=True, help_text="While it runs, of what it can tell; 0 where it cannot."
    )

    class Meta:
        model = Step
        fields = (
            "key",
            "title",
            "status",
            "percent",
            "attempt",
            "started_at",
            "finished_at",
            "error",
        )
        read_only_fields = fields


class OperationSerializer(ModelSerializer[Operation]):
    """An operation with its steps."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    steps = StepSerializer(many=True, read_only=True)
    retry_of = serializers.UUIDField(read_only=True, allow_null=True)

    class Meta:
        model = Operation
        fields = (
            "id",
            "name",
            "title",
            "subject_type",
            "subject_id",
            "status",
            "cause",
            "waits_for",
            "retry_of",
            "created_at",
            "started_at",
            "finished_at",
            "steps",
        )
        read_only_fields = fields


class OperationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    """Long-running work: its state, and how to cancel or repeat it."""

    serializer_class = OperationSerializer
    access = "operations"
    permissions: ClassVar = {"cancel": "operations.steer", "retry": "operations.steer"}
    queryset = Operation.objects.all()
    filterset_fields = ("status", "name", "subject_id")
    changed_fields = ("created_at", "started_at", "finished_at")

    def get_queryset(self) -> QuerySet[Operation]:
        """All of this schema, with their steps."""
        return Operation.objects.prefetch_related("steps")

    @extend_schema(request=None, responses={202: OperationSerializer})
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, uuid: UUID) -> Response:
        """Ask it to stop at its next step boundary; 409 once it has ended."""
        operation = self._steered()
        services.cancel(operation, actor=self.actor)
        operation.refresh_from_db()
        return accepted(operation)

    @extend_schema(request=None, responses={202: OperationSerializer})
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, uuid: UUID) -> Response:
        """Start a failed or cancelled one anew; answers the new operation."""
        return accepted(services.retry(self._steered(), actor=self.actor))

    def _steered(self) -> Operation:
        operation: Operation = self.get_object()
        require_steer(self.request.user, operation)
        return operation


def accepted(operation: Operation) -> Response:
    """What answers a request that began an operation."""
    body: Any = OperationSerializer(operation).data
    return Response(body, status=202)
