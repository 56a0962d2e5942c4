"""ISPs over the operator's API."""

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, serializers

from apps.accounts.resources import LabelledResource
from apps.core.api.labels import Shown
from apps.tenants.models import Organisation

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
            "email",
            "created_at",
        )
        read_only_fields = fields


@extend_schema_view(
    list=extend_schema(examples=[_EXAMPLE]), retrieve=extend_schema(examples=[_EXAMPLE])
)
class OrganisationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, LabelledResource):
    """The platform's customers."""

    access = "organisations"
    serializer_class = OrganisationSerializer
    queryset = Organisation.objects.all()
    filterset_fields = ("status", "slug", "plan_key", "region")
