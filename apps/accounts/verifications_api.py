"""Proofs of the event log over the API."""

from typing import ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.resources import Resource
from apps.core.api.serializers import ModelSerializer
from apps.events.models import Verification
from apps.events.verifications import start_verification

_VIEW = "record.view"
_EXAMPLE = OpenApiExample(
    "A log that is proven",
    {
        "id": "0b1f3d52-54a4-4a43-b7a9-7f2d4f1d8a10",
        "state": "done",
        "is_proven": True,
        "events": 102000,
        "expected": 102000,
        "findings": [],
        "cause": "",
        "asked_by": "dora@example.com",
        "asked_at": "2026-01-31T09:00:00Z",
        "ended_at": "2026-01-31T09:00:02Z",
    },
    response_only=True,
)


class LogFindingSerializer(serializers.Serializer[object]):
    """Something that is wrong with the log."""

    kind = serializers.CharField(
        help_text="“changed”, “removed”, “inserted”, “reordered” or “unsealed”."
    )
    event_id = serializers.IntegerField(allow_null=True)
    text = serializers.CharField()


class VerificationSerializer(ModelSerializer[Verification]):
    """One proof: how far it is, and what was found; `is_proven` is null until it has ended well."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    is_proven = serializers.SerializerMethodField()
    findings = LogFindingSerializer(source="report.findings", many=True, default=list)

    class Meta:
        model = Verification
        fields = (
            "id",
            "state",
            "is_proven",
            "events",
            "expected",
            "findings",
            "cause",
            "asked_by",
            "asked_at",
            "ended_at",
        )
        read_only_fields = fields

    def get_is_proven(self, row: Verification) -> bool | None:
        """Whether nothing is wrong."""
        return not row.report["findings"] if row.state == Verification.State.DONE else None


@extend_schema_view(
    list=extend_schema(examples=[_EXAMPLE]), retrieve=extend_schema(examples=[_EXAMPLE])
)
class VerificationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    """Proofs of the event log; the last twenty are kept."""

    access = "events"
    permissions: ClassVar = dict.fromkeys(("list", "retrieve", "create"), _VIEW)
    serializer_class = VerificationSerializer
    queryset = Verification.objects.all()
    filterset_fields = ("state",)
    ordering_fields = ("asked_at",)
    changed_fields = ("asked_at", "ended_at")

    @extend_schema(request=None, responses={202: VerificationSerializer}, examples=[_EXAMPLE])
    def create(self, request: Request) -> Response:
        """Have the log proven by a worker; 409 while it is."""
        return self.shown(start_verification(actor=self.actor), 202)
