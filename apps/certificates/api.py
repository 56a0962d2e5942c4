"""Certificates over the API: their state, and to renew them."""

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.resources import Resource
from apps.certificates import services
from apps.certificates.forms import REASONS
from apps.certificates.models import Certificate, IssuedCertificate
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


class IssuedSerializer(ModelSerializer[IssuedCertificate]):
    """One that was issued: what it was, and whether it was revoked; the chain in PEM."""

    hostnames = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = IssuedCertificate
        fields = (
            "serial",
            "fingerprint",
            "hostnames",
            "issuer",
            "chain",
            "starts_at",
            "expires_at",
            "issued_at",
            "revoked_at",
        )
        read_only_fields = fields


class RevocationSerializer(serializers.Serializer[Any]):
    """Why, by the reasons of RFC 5280 that authorities take."""

    reason = serializers.ChoiceField(choices=REASONS)


@extend_schema_view(
    list=extend_schema(examples=[_EXAMPLE]), retrieve=extend_schema(examples=[_EXAMPLE])
)
class CertificateViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    """Certificates from the authority that is set up."""

    access = "certificates"
    permissions: ClassVar = dict.fromkeys(("renew", "revoke"), "certificates.change")
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

    @extend_schema(
        request=RevocationSerializer,
        responses={200: CertificateSerializer},
        examples=[_EXAMPLE, OpenApiExample("Its key leaked", {"reason": 1}, request_only=True)],
    )
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, uuid: UUID) -> Response:
        """Have it revoked and another one ordered with a new key; 409 while it is at work."""
        row, reason = self.get_object(), self.checked(RevocationSerializer)["reason"]
        services.revoke(row, reason=reason, actor=self.actor)
        return self.shown(row)

    @extend_schema(responses={200: IssuedSerializer(many=True)})
    @action(detail=True, filter_backends=())
    def issued(self, request: Request, uuid: UUID) -> Response:
        """All that were issued of it, newest first."""
        page = self.paginate_queryset(self.get_object().issued.all())
        return self.get_paginated_response(IssuedSerializer(page, many=True).data)
