"""The platform's health over the API, for whoever watches it from elsewhere."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.resources import Resource
from apps.core.api.serializers import ModelSerializer
from apps.core.health import STATUSES, checks
from apps.doctor import services
from apps.doctor.constants import RUN, VIEW
from apps.doctor.models import CheckState
from apps.operations.api import OperationSerializer, accepted
from apps.operations.models import Operation

_EXAMPLE = OpenApiExample(
    "A disk that fills up",
    {
        "name": "disk",
        "title": "Disk space",
        "status": "warning",
        "since": "2026-01-31T09:00:00Z",
        "looked_at": "2026-01-31T09:05:00Z",
        "runbook": "docs/runbooks/disk-full.md",
        "findings": [
            {
                "status": "warning",
                "text": "88 % of /srv/dotmac is used.",
                "advice": "Make room, or give it a larger disk.",
            }
        ],
    },
    response_only=True,
)


class FindingSerializer(serializers.Serializer[object]):
    """What is wrong, and what to do."""

    status = serializers.ChoiceField(choices=STATUSES[1:])
    text = serializers.CharField(source="said")
    advice = serializers.CharField(source="advised")


class CheckSerializer(ModelSerializer[CheckState]):
    """How a check stands, since when, and what it found."""

    title = serializers.CharField(read_only=True)
    runbook = serializers.CharField(
        source="check_of.page", read_only=True, help_text="The page that says what to do."
    )
    findings = FindingSerializer(source="found", many=True, read_only=True)

    class Meta:
        model = CheckState
        fields = ("name", "title", "status", "since", "looked_at", "runbook", "findings")
        read_only_fields = fields


@extend_schema_view(
    list=extend_schema(examples=[_EXAMPLE]), retrieve=extend_schema(examples=[_EXAMPLE])
)
class CheckViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    """What the doctor looks at, and how it stands."""

    access = "health"
    permissions: ClassVar = {"list": VIEW, "retrieve": VIEW, "run": RUN}
    serializer_class = CheckSerializer
    queryset = CheckState.objects.all()
    filterset_fields = ("status",)
    ordering_fields = ("name", "since")
    changed_fields = ("looked_at",)
    lookup_field = "name"
    lookup_value_converter = "str"

    def get_queryset(self) -> QuerySet[CheckState]:
        """Those that this release has."""
        return CheckState.objects.filter(name__in=[one.name for one in checks()])

    @extend_schema(request=None, responses={202: OperationSerializer})
    @action(detail=False, methods=["post"])
    def run(self, request: Request) -> Response:
        """Have everything looked at now; answers the operation, 409 while one goes on."""
        begun: Any = services.start_checkup(actor=self.actor).operation
        return accepted(Operation.objects.get(uuid=begun))
