"""ISPs over the operator's API, their closing, and who of the operator was in there."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.resources import LabelledResource, Resource
from apps.core.api.labels import Shown
from apps.core.api.serializers import ModelSerializer
from apps.core.exceptions import DomainError
from apps.tenants import closing
from apps.tenants.models import Impersonation, Organisation

_EXAMPLE = OpenApiExample(
    "An ISP",
    {
        "id": "4c2f0d0e-2f7a-4f65-9a1b-7b0a3c5d8e21",
        "name": "Acme Fiber",
        "slug": "acme",
        "status": "active",
        "country": "US",
        "currency": "USD",
        "time_zone": "America/New_York",
        "region": "local",
        "plan": "business",
        "plan_version": "6e1d3a3f-0c43-4a0e-9a0c-0f0e6d4f7b52",
        "trial_ends_at": None,
        "erase_after": None,
        "closed_at": None,
        "closed_by": "",
        "closing_reason": "",
        "email": "alice@acme.example",
        "created_at": "2026-01-31T09:00:00Z",
        "external_id": "crm-4711",
        "metadata": {"account_manager": "Dora"},
        "updated_at": "2026-01-31T09:00:00Z",
    },
    response_only=True,
)


class OrganisationSerializer(Shown):
    """An ISP as the platform's customer."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    plan = serializers.CharField(source="plan_key", read_only=True)
    closed_by = serializers.CharField(
        read_only=True, help_text="`owner` or `operator`; empty while it is open."
    )

    class Meta:
        model = Organisation
        fields = (
            "id",
            "name",
            "slug",
            "status",
            "country",
            "currency",
            "time_zone",
            "region",
            "plan",
            "plan_version",
            "trial_ends_at",
            "erase_after",
            "closed_at",
            "closed_by",
            "closing_reason",
            "email",
            "created_at",
        )
        read_only_fields = fields


class ClosingSerializer(serializers.Serializer[Any]):
    """Which organisation, once more by its slug, and why."""

    slug = serializers.CharField(max_length=30)
    reason = serializers.CharField(
        max_length=closing.LONGEST_REASON, required=False, allow_blank=True, default=""
    )


class VisitSerializer(ModelSerializer[Impersonation]):
    """Somebody of the operator in an organisation, for a reason and for a time."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    organisation = serializers.UUIDField(source="organisation.uuid", read_only=True)

    class Meta:
        model = Impersonation
        fields = (
            "id",
            "organisation",
            "user",
            "email",
            "reason",
            "started_at",
            "expires_at",
            "ended_at",
        )
        read_only_fields = fields


@extend_schema_view(
    list=extend_schema(examples=[_EXAMPLE]), retrieve=extend_schema(examples=[_EXAMPLE])
)
class OrganisationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, LabelledResource):
    """The platform's customers."""

    access = "organisations"
    permissions: ClassVar = dict.fromkeys(("close", "reopen"), closing.PERMISSION)
    serializer_class = OrganisationSerializer
    queryset = Organisation.objects.all()
    filterset_fields = ("status", "slug", "plan_key", "region")

    @extend_schema(
        request=ClosingSerializer,
        responses={200: OrganisationSerializer},
        examples=[
            _EXAMPLE,
            OpenApiExample(
                "It asked for it", {"slug": "acme", "reason": "T-17"}, request_only=True
            ),
        ],
    )
    @action(detail=True, methods=["post"])
    def close(self, request: Request, uuid: UUID) -> Response:
        """Close it, to be erased once its days of grace are over; 409 while it cannot be."""
        row, values = self.get_object(), self.checked(ClosingSerializer)
        if values["slug"] != row.slug:
            raise DomainError(_("This is not the address of the organisation."), field="slug")
        closing.close(
            row, side=Organisation.Side.OPERATOR, actor=self.actor, reason=values["reason"]
        )
        return self.shown(row)

    @extend_schema(request=None, responses={200: OrganisationSerializer}, examples=[_EXAMPLE])
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, uuid: UUID) -> Response:
        """Take a closing back; 409 once it is being erased."""
        row = self.get_object()
        closing.reopen(row, actor=self.actor)
        return self.shown(row)


class VisitViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    """Support visits to organisations; people make them, from the organisation's page."""

    access = "organisations"
    serializer_class = VisitSerializer
    queryset = Impersonation.objects.all()
    filterset_fields = ("organisation__uuid", "user", "email")
    changed_fields = ("started_at", "ended_at")
    ordering_fields = ("started_at",)

    def get_queryset(self) -> QuerySet[Impersonation]:
        """With their organisations."""
        return Impersonation.objects.select_related("organisation")
