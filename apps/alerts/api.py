"""Alert channels over the API, and what became of each alert, at the operator."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.resources import LabelledResource, Resource
from apps.alerts import channels
from apps.alerts.models import AlertChannel, AlertDelivery
from apps.core.api.labels import Labels, Shown
from apps.core.api.once import ShownOnceField
from apps.core.api.serializers import ModelSerializer
from dotmac.crypto.secret import Secret

_CHANNEL = {
    "id": "5f2c7e0e-3d0b-4e52-9d1f-5b7c2f6f8a21",
    "name": "Night shift",
    "kind": "webhook",
    "place": "https://pager.example.org",
    "severity": "warning",
    "is_on": True,
    "failures": 0,
    "failing_since": None,
    "last_error": "",
    "last_sent_at": "2026-01-31T09:00:00Z",
    "created_at": "2026-01-31T09:00:00Z",
    "external_id": "",
    "metadata": {},
    "updated_at": "2026-01-31T09:00:00Z",
}
_EXAMPLE = OpenApiExample("An alert channel", _CHANNEL, response_only=True)
_MADE = OpenApiExample(
    "A new alert channel",
    {**_CHANNEL, "secret": "whsec_…"},  # nosec B105 - an ellipsis
    response_only=True,
    status_codes=["201"],
)
_DELIVERY = OpenApiExample(
    "An alert that was taken",
    {
        "id": "7a1f3d52-54a4-4a43-b7a9-7f2d4f1d8a10",
        "alert": "1d7e1d0e-6f2c-4c7e-8b0a-2f6c6b7a9d33",
        "channel": "5f2c7e0e-3d0b-4e52-9d1f-5b7c2f6f8a21",
        "kind": "server.unreachable",
        "severity": "critical",
        "what": "raised",
        "status": "sent",
        "attempts": 1,
        "answer_status": 200,
        "answer": "ok",
        "error": "",
        "created_at": "2026-01-31T09:00:00Z",
        "sent_at": "2026-01-31T09:00:01Z",
    },
    response_only=True,
)


class AlertChannelSerializer(Shown):
    """Where alerts go; its address and secret are never shown, only scheme and host."""

    id = serializers.UUIDField(source="uuid", read_only=True)

    class Meta:
        model = AlertChannel
        fields: tuple[str, ...] = (
            "id",
            "name",
            "kind",
            "place",
            "severity",
            "is_on",
            "failures",
            "failing_since",
            "last_error",
            "last_sent_at",
            "created_at",
        )
        read_only_fields = fields


class AlertChannelWithSecretSerializer(AlertChannelSerializer):
    """With the secret that was made, this once; null where none was."""

    secret = ShownOnceField()

    class Meta(AlertChannelSerializer.Meta):
        fields = (*AlertChannelSerializer.Meta.fields, "secret")
        read_only_fields = fields


class AlertChannelChangesSerializer(Labels, ModelSerializer[AlertChannel]):
    """What can be changed of a channel."""

    address = serializers.CharField(
        max_length=500, write_only=True, help_text="The whole address; kept encrypted."
    )
    secret = serializers.CharField(
        max_length=300,
        required=False,
        write_only=True,
        help_text="Signs a webhook (left out, one is made), or opens a protected ntfy topic.",
    )

    class Meta:
        model = AlertChannel
        fields: tuple[str, ...] = ("name", "address", "secret", "severity", "is_on")


class NewAlertChannelSerializer(AlertChannelChangesSerializer):
    """A channel to add, which stays of its kind."""

    class Meta(AlertChannelChangesSerializer.Meta):
        fields = ("kind", *AlertChannelChangesSerializer.Meta.fields)


class AlertDeliverySerializer(ModelSerializer[AlertDelivery]):
    """An alert, its end or a test on its way by one channel."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    alert = serializers.UUIDField(
        source="alert.uuid",
        read_only=True,
        allow_null=True,
        default=None,
        help_text="Of a test null.",
    )
    channel = serializers.UUIDField(source="channel.uuid", read_only=True)
    kind = serializers.CharField(source="alert.kind", read_only=True, default="alert.test")
    severity = serializers.CharField(source="alert.severity", read_only=True, default="info")

    class Meta:
        model = AlertDelivery
        fields = (
            "id",
            "alert",
            "channel",
            "kind",
            "severity",
            "what",
            "status",
            "attempts",
            "answer_status",
            "answer",
            "error",
            "created_at",
            "sent_at",
        )
        read_only_fields = fields


@extend_schema_view(
    list=extend_schema(examples=[_EXAMPLE]), retrieve=extend_schema(examples=[_EXAMPLE])
)
class AlertChannelViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, LabelledResource):
    """Ways to the operator that need no mail server."""

    access = "alerts"
    permissions: ClassVar = {"destroy": "alerts.delete_alertchannel"}
    serializer_class = AlertChannelSerializer
    queryset = AlertChannel.objects.all()
    filterset_fields = ("kind", "is_on")

    @extend_schema(
        request=NewAlertChannelSerializer,
        responses={201: AlertChannelWithSecretSerializer},
        examples=[_MADE],
    )
    def create(self, request: Request) -> Response:
        """Add a channel; of a webhook without a secret the answer holds one, this once."""
        values = _opened(self.checked(NewAlertChannelSerializer))
        channel, made = channels.create_channel(actor=self.actor, **values)
        self.label(channel)
        if made:
            return self.with_secret(channel, "secret", made, status=201)
        shown = {**self.shown(channel).data, "secret": None}  # nosec B105 - none was made
        return Response(shown, status=201)

    @extend_schema(request=AlertChannelChangesSerializer, responses={200: AlertChannelSerializer})
    def partial_update(self, request: Request, uuid: UUID) -> Response:
        """Change name, address, secret, severity or whether it is on."""
        channel = self.get_object()
        values = _opened(self.checked(AlertChannelChangesSerializer, channel))
        channels.update_channel(channel, actor=self.actor, **values)
        return self.labelled(channel)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, uuid: UUID) -> Response:
        """Remove a channel with its deliveries."""
        channels.remove_channel(self.get_object(), actor=self.actor)
        return Response(status=204)

    @extend_schema(request=None, responses={202: AlertDeliverySerializer})
    @action(detail=True, methods=["post"])
    def test(self, request: Request, uuid: UUID) -> Response:
        """Send a test; answers the delivery, whose status tells what became of it."""
        delivery = channels.send_test(self.get_object())
        return Response(AlertDeliverySerializer(delivery).data, status=202)


@extend_schema_view(
    list=extend_schema(examples=[_DELIVERY]), retrieve=extend_schema(examples=[_DELIVERY])
)
class AlertDeliveryViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    """What became of each alert on its way by each channel; kept for 90 days."""

    access = "alerts"
    serializer_class = AlertDeliverySerializer
    queryset = AlertDelivery.objects.all()
    filterset_fields = ("channel__uuid", "alert__kind", "what", "status")

    def get_queryset(self) -> QuerySet[AlertDelivery]:
        """With alerts and channels."""
        return AlertDelivery.objects.select_related("alert", "channel")


def _opened(values: dict[str, Any]) -> dict[str, Any]:
    """With what is secret as such."""
    hidden = ("address", "secret")
    return {name: Secret(one) if name in hidden else one for name, one in values.items()}
