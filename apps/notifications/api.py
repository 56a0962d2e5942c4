"""What left the house, and addresses to which nothing is sent, over the API."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.bulk_api import BulkUpsert
from apps.accounts.resources import Resource
from apps.core.api.bulk import described_bulk
from apps.core.api.serializers import ModelSerializer
from apps.core.exceptions import ConflictError
from apps.notifications import services
from apps.notifications.models import Delivery, Suppressed
from apps.notifications.permissions import SEND
from apps.notifications.suppression import release, suppress

_MESSAGE = OpenApiExample(
    "A mail that was sent",
    {
        "id": "7a1f3d52-54a4-4a43-b7a9-7f2d4f1d8a10",
        "kind": "import.finished",
        "channel": "email",
        "address": "dora@acme.example",
        "status": "sent",
        "attempts": 1,
        "error": "",
        "created_at": "2026-01-31T09:00:00Z",
        "sent_at": "2026-01-31T09:00:01Z",
    },
    response_only=True,
)


class MessageSerializer(ModelSerializer[Delivery]):
    """A message on its way to somebody of the staff or a customer."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    kind = serializers.CharField(source="notification.kind", read_only=True)

    class Meta:
        model = Delivery
        fields = (
            "id",
            "kind",
            "channel",
            "address",
            "status",
            "attempts",
            "error",
            "created_at",
            "sent_at",
        )
        read_only_fields = fields


class SuppressedSerializer(ModelSerializer[Suppressed]):
    """An address to which nothing is sent."""

    id = serializers.UUIDField(source="uuid", read_only=True)

    class Meta:
        model = Suppressed
        fields = ("id", "address", "reason", "since")
        read_only_fields = fields


class NewSuppressedSerializer(serializers.Serializer[Any]):
    """An address to put on the list."""

    address = serializers.EmailField()
    reason = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


@extend_schema_view(
    list=extend_schema(examples=[_MESSAGE]), retrieve=extend_schema(examples=[_MESSAGE])
)
class MessageViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    """Mails and text messages to people here, and what became of each."""

    access = "messages"
    permissions: ClassVar = {"send": SEND}
    serializer_class = MessageSerializer
    queryset = Delivery.objects.all()
    filterset_fields = ("status", "channel", "address")

    def get_queryset(self) -> QuerySet[Delivery]:
        """With what was told."""
        return Delivery.objects.select_related("notification")

    @extend_schema(request=None, responses={200: MessageSerializer})
    @action(detail=True, methods=["post"])
    def send(self, request: Request, uuid: UUID) -> Response:
        """Give a failed one another round of tries; 409 for one that has not failed."""
        row = self.get_object()
        if not services.send_again(row):
            raise ConflictError("This message has not failed, so it is not sent again.")
        return self.shown(row)


@extend_schema_view(
    bulk=described_bulk(
        "suppressions",
        NewSuppressedSerializer,
        {"address": "gone@example.com", "reason": "It bounced at the sender of before."},
        {"address": "left@example.com"},
    )
)
class SuppressedViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, BulkUpsert):
    """Addresses that get nothing: refused for good, bounced, complained, or put there by hand."""

    access = "suppressions"
    permissions: ClassVar = {"destroy": "notifications.delete_suppressed"}
    serializer_class = SuppressedSerializer
    queryset = Suppressed.objects.all()
    filterset_fields = ("address",)
    bulk_name, bulk_keys = "suppressions", ("address",)
    new_row = NewSuppressedSerializer

    @extend_schema(request=NewSuppressedSerializer, responses={201: SuppressedSerializer})
    def create(self, request: Request) -> Response:
        """Put an address on the list; one that is on it stays as it is."""
        return self.shown(self.add(self.checked(NewSuppressedSerializer)), 201)

    def add(self, values: dict[str, Any]) -> Suppressed:
        """One that is on the list is found there."""
        suppress(values["address"], reason=values["reason"], actor=self.actor)
        return Suppressed.objects.get(address=values["address"].lower())

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, uuid: UUID) -> Response:
        """Take an address off the list."""
        release(self.get_object(), actor=self.actor)
        return Response(status=204)
