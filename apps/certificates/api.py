"""Certificates over the API: their state, and to renew them."""

from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.resources import Resource
from apps.certificates import services
from apps.certificates.models import Certificate
from apps.core.api.serializers import ModelSerializer

_EXAMPLE = OpenApiExample(
    "A valid certificate",
    {
        "id": "0b1f3d52-54a4-4a43-b7a9-7f2d4f1d8a10",
        "name": "apps.example",
        "hostnames": ["apps.example", "*.apps.example"],
        "challenge": "dns-01",
        "status": "valid",
        "issuer": "R11",
        "starts_at": "2026-01-31T09:00:00Z",
        "expires_at": "2026-05-01T09:00:00Z",
        "renew_at": "2026-04-01T09:00:00Z",
        "failures": 0,
        "last_error": "",
        "last_error_at": None,
        "created_at": "2026-01-31T09:00:00Z",
        "updated_at": "2026-01-31T09:00:12Z",
    },
    response_only=True,
)


class CertificateSerializer(ModelSerializer[Certificate]):
    """A certificate of the platform; its key is shown to nobody."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    hostnames = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Certificate
        fields = (
            "id",
            "name",
            "hostnames",
            "challenge",
            "status",
            "issuer",
            "starts_at",
            "expires_at",
            "renew_at",
            "failures",
            "last_error",
            "last_error_at",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields


@extend_schema_view(
    list=extend_schema(examples=[_EXAMPLE]), retrieve=extend_schema(examples=[_EXAMPLE])
)
class CertificateViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    """Certificates from the authority that is set up."""

    access = "certificates"
    permissions = {"renew": "certificates.change"}
    serializer_class = CertificateSerializer
    queryset = Certificate.objects.all()
    filterset_fields = ("status", "name", "challenge")

    @extend_schema(request=None, responses={200: CertificateSerializer}, examples=[_EXAMPLE])
    @action(detail=True, methods=["post"])
    def renew(self, request: Request, uuid: UUID) -> Response:
        """Have it renewed now, whenever it ends; 409 while it is being ordered."""
        row = self.get_object()
        services.renew_now(row, actor=self.actor)
        return self.shown(row)
