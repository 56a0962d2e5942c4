"""The work of all schemas over the operator's API."""

from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.resources import Resource
from apps.core.api.serializers import ModelSerializer
from apps.core.exceptions import ConflictError
from apps.work import showing
from apps.work.models import Due

_EXAMPLE = OpenApiExample(
    "A deployment that waits",
    {
        "id": "0b1f3d52-54a4-4a43-b7a9-7f2d4f1d8a10",
        "schema": "c_acme",
        "kind": "operation",
        "subject": "1d7e1d0e-6f2c-4c7e-8b0a-2f6c6b7a9d33",
        "title": "Deploy shop",
        "state": "waiting",
        "reason": "The server does not answer.",
        "progress": 40,
        "due_at": "2026-01-31T09:00:30Z",
        "created_at": "2026-01-31T09:00:00Z",
        "started_at": "2026-01-31T09:00:01Z",
        "finished_at": None,
    },
    response_only=True,
)


class WorkSerializer(ModelSerializer[Due]):
    """A piece of work of one schema: when it is due, how far it is, why it stands as it does."""

    title = serializers.CharField(source="shown_title", read_only=True)
    reason = serializers.CharField(source="shown_reason", read_only=True)

    class Meta:
        model = Due
        fields = (
            "id",
            "schema",
            "kind",
            "subject",
            "title",
            "state",
            "reason",
            "progress",
            "due_at",
            "created_at",
            "started_at",
            "finished_at",
        )
        read_only_fields = fields


@extend_schema_view(
    list=extend_schema(examples=[_EXAMPLE]), retrieve=extend_schema(examples=[_EXAMPLE])
)
class WorkViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    """What is due, runs, waits or has ended, in every schema."""

    access = "work"
    permissions: ClassVar = dict.fromkeys(("cancel", "retry"), "work.retry")
    serializer_class = WorkSerializer
    queryset = Due.objects.all()
    lookup_field, lookup_url_kwarg = "pk", "due_id"
    lookup_value_converter = "uuid"
    filterset_fields = ("schema", "kind", "state", "subject")
    changed_fields = ("created_at", "started_at", "finished_at")

    @extend_schema(request=None, responses={200: WorkSerializer}, examples=[_EXAMPLE])
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, due_id: UUID) -> Response:
        """Ask it to stop; 409 where it cannot."""
        return self._steer("cancel")

    @extend_schema(request=None, responses={200: WorkSerializer}, examples=[_EXAMPLE])
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, due_id: UUID) -> Response:
        """Have it done again; 409 where it cannot."""
        return self._steer("retry")

    def _steer(self, what: str) -> Response:
        due: Due = self.get_object()
        problem = showing.steer(due, what, self.request.user)
        if problem:
            raise ConflictError(problem)
        return self.shown(due)
