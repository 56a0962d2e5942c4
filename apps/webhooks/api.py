"""Webhooks over the API, in every kind of schema."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.resources import LabelledResource, Resource
from apps.core.api.labels import Labels, Shown
from apps.core.api.once import ShownOnceField
from apps.core.api.serializers import ModelSerializer
from apps.webhooks import services
from apps.webhooks.forms import wrong_type
from apps.webhooks.models import Attempt, Delivery, Endpoint

_ENDPOINT = {
    "id": "9a1c7f0e-3d0b-4e52-9d1f-5b7c2f6f8a21",
    "url": "https://crm.acme.example/dotmac",
    "description": "CRM",
    "types": ["subscriber.*"],
    "status": "active",
    "failures": 0,
    "failing_since": None,
    "created_at": "2026-01-31T09:00:00Z",
    "external_id": "",
    "metadata": {},
    "updated_at": "2026-01-31T09:00:00Z",
}
_EXAMPLE = OpenApiExample("A webhook", _ENDPOINT, response_only=True)
_MADE = OpenApiExample(
    "A new webhook",
    {**_ENDPOINT, "secret": "whsec_…"},  # nosec B105 - an ellipsis
    response_only=True,
    status_codes=["201"],
)


class EndpointSerializer(Shown):
    """Where events are sent; its secret is shown once, when it is made or rotated."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    types = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Endpoint
        fields: tuple[str, ...] = (
            "id",
            "url",
            "description",
            "types",
            "status",
            "failures",
            "failing_since",
            "created_at",
        )
        read_only_fields = fields


class EndpointWithSecretSerializer(EndpointSerializer):
    """With the secret, this once."""

    secret = ShownOnceField()

    class Meta(EndpointSerializer.Meta):
        fields = (*EndpointSerializer.Meta.fields, "secret")
        read_only_fields = fields


class NewEndpointSerializer(Labels, ModelSerializer[Endpoint]):
    """What is entered about an endpoint."""

    types = serializers.ListField(
        child=serializers.CharField(max_length=80),
        required=False,
        max_length=100,
        help_text="As `subscriber.created` or `subscriber.*`; empty means all.",
    )

    class Meta:
        model = Endpoint
        fields = ("url", "description", "types")

    def validate_types(self, types: list[str]) -> list[str]:
        """Types of events, each once."""
        wrong = wrong_type(types)
        if wrong:
            text = _("“%(type)s” is no type of event. Write it as in subscriber.created.")
            raise serializers.ValidationError(text % {"type": wrong})
        return list(dict.fromkeys(types))


class SinceSerializer(serializers.Serializer[Any]):
    """From when on events are sent again."""

    since = serializers.DateTimeField(help_text="At most 30 days ago.")


class ReplayedSerializer(serializers.Serializer[Any]):
    """How many events are sent again."""

    events = serializers.IntegerField()


class AttemptSerializer(ModelSerializer[Attempt]):
    """One try."""

    class Meta:
        model = Attempt
        fields = ("at", "status", "duration_ms", "error", "answer")
        read_only_fields = fields


class DeliverySerializer(ModelSerializer[Delivery]):
    """One event on its way to one endpoint, with every attempt."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    endpoint = serializers.UUIDField(source="endpoint.uuid", read_only=True)
    log = AttemptSerializer(many=True, read_only=True)

    class Meta:
        model = Delivery
        fields = (
            "id",
            "endpoint",
            "event",
            "type",
            "state",
            "attempts",
            "due_at",
            "created_at",
            "ended_at",
            "log",
        )
        read_only_fields = fields


@extend_schema_view(
    list=extend_schema(examples=[_EXAMPLE]), retrieve=extend_schema(examples=[_EXAMPLE])
)
class EndpointViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, LabelledResource):
    """Webhooks: where events are sent, signed after Standard Webhooks."""

    access = "webhooks"
    serializer_class = EndpointSerializer
    queryset = Endpoint.objects.all()
    filterset_fields = ("status",)

    @extend_schema(
        request=NewEndpointSerializer,
        responses={201: EndpointWithSecretSerializer},
        examples=[_MADE],
    )
    def create(self, request: Request) -> Response:
        """Add an endpoint; the answer holds its secret, this once."""
        values = self.checked(NewEndpointSerializer)
        endpoint, secret = services.create_endpoint(actor=self.actor, **values)
        self.label(endpoint)
        return self.with_secret(endpoint, "secret", secret, status=201)

    @extend_schema(request=NewEndpointSerializer, responses={200: EndpointSerializer})
    def partial_update(self, request: Request, uuid: UUID) -> Response:
        """Change address, description or types."""
        endpoint = self.get_object()
        values = self.checked(NewEndpointSerializer, endpoint)
        services.update_endpoint(endpoint, actor=self.actor, **values)
        return self.labelled(endpoint)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, uuid: UUID) -> Response:
        """Remove an endpoint with its deliveries."""
        services.remove_endpoint(self.get_object(), actor=self.actor)
        return Response(status=204)

    @extend_schema(request=None, responses={200: EndpointWithSecretSerializer})
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, uuid: UUID) -> Response:
        """Make a new secret; the one of before signs beside it for a day."""
        endpoint = self.get_object()
        secret = services.rotate_secret(endpoint, actor=self.actor)
        return self.with_secret(endpoint, "secret", secret)

    @extend_schema(request=None, responses={200: EndpointSerializer})
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, uuid: UUID) -> Response:
        """Send nothing more until it is resumed."""
        return self._step(services.pause_endpoint)

    @extend_schema(request=None, responses={200: EndpointSerializer})
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, uuid: UUID) -> Response:
        """Send again."""
        return self._step(services.resume_endpoint)

    @extend_schema(request=None, responses={202: DeliverySerializer})
    @action(detail=True, methods=["post"])
    def test(self, request: Request, uuid: UUID) -> Response:
        """Send a test event; answers the delivery, whose state tells what became of it."""
        delivery = services.send_test(self.get_object(), actor=self.actor)
        return Response(DeliverySerializer(delivery).data, status=202)

    @extend_schema(request=SinceSerializer, responses={202: ReplayedSerializer})
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, uuid: UUID) -> Response:
        """Send every event since a time again, at most 10,000."""
        since = self.checked(SinceSerializer)["since"]
        count = services.replay_since(self.get_object(), since, actor=self.actor)
        return Response({"events": count}, status=202)

    def _step(self, step: Callable[..., object]) -> Response:
        endpoint = self.get_object()
        step(endpoint, actor=self.actor)
        return self.shown(endpoint)


class DeliveryViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    """What became of each event on its way to an endpoint; kept for 30 days."""

    access = "webhooks"
    serializer_class = DeliverySerializer
    queryset = Delivery.objects.all()
    filterset_fields = ("endpoint__uuid", "event", "type", "state")

    def get_queryset(self) -> QuerySet[Delivery]:
        """With endpoints and attempts."""
        return Delivery.objects.select_related("endpoint").prefetch_related("log")

    @extend_schema(request=None, responses={202: DeliverySerializer})
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, uuid: UUID) -> Response:
        """Send it again, with the same id."""
        delivery = self.get_object()
        services.replay(delivery, actor=self.actor)
        again: Any = DeliverySerializer(self.get_queryset().get(pk=delivery.pk)).data
        return Response(again, status=202)
