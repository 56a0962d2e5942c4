"""The SMS gateway over the API, and tests of it and of the sender."""

from typing import Any, ClassVar

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.access import within_limits
from apps.accounts.models import User
from apps.accounts.single_api import MayUseOnly, OnlyOne, taken_secret
from apps.branding.senders import own_sender
from apps.core.api.serializers import ModelSerializer
from apps.core.api.views import Manners
from apps.core.exceptions import ConflictError, DomainError
from apps.notifications.gateways import Gateway, gateway_as_it_is, save_gateway, sends_sms
from apps.notifications.models import Delivery, SmsGateway
from apps.notifications.services import send_test_mail, send_test_sms

_FIELDS = tuple(Gateway.__dataclass_fields__)
_TEST = OpenApiExample(
    "A test on its way",
    {
        "id": "7a1f3d52-54a4-4a43-b7a9-7f2d4f1d8a10",
        "channel": "sms",
        "status": "queued",
        "created_at": "2026-01-31T09:00:00Z",
    },
    response_only=True,
)


class SmsGatewaySerializer(ModelSerializer[SmsGateway]):
    """A provider's HTTP API; the headers, which hold its secret, are never shown."""

    id = serializers.SerializerMethodField()
    body = serializers.CharField(
        max_length=2000,
        required=False,
        help_text="With `{to}` for the number and `{text}` for the message.",
    )
    headers = serializers.CharField(
        max_length=4000,
        required=False,
        write_only=True,
        help_text="One a line, as `Authorization: Bearer …`. Left out, the present ones stay,"
        " unless the address is another host's.",
    )
    has_headers = serializers.SerializerMethodField()

    class Meta:
        model = SmsGateway
        fields = ("id", *_FIELDS, "headers", "has_headers")

    def get_id(self, gateway: SmsGateway) -> str:
        """There is one."""
        return "sms-gateway"

    def get_has_headers(self, gateway: SmsGateway) -> bool:
        """Whether headers are kept."""
        return bool(gateway.headers)


class RecipientSerializer(serializers.Serializer[Any]):
    """Who gets the test."""

    person = serializers.UUIDField(help_text="Somebody of the staff here.")


class SentTestSerializer(ModelSerializer[Delivery]):
    """A test on its way; `messages/{id}/` tells what becomes of it."""

    id = serializers.UUIDField(source="uuid", read_only=True)

    class Meta:
        model = Delivery
        fields = ("id", "channel", "status", "created_at")
        read_only_fields = fields


class SmsGatewayView(OnlyOne):
    """How text messages leave this level."""

    # As its page: a provider's address or body may hold a key.
    permissions: ClassVar = {"GET": "notifications.change_smsgateway"}
    serializer_class = SmsGatewaySerializer

    @extend_schema(responses=SmsGatewaySerializer, operation_id="sms_gateway_retrieve")
    def get(self, request: Request) -> Response:
        """The gateway; empty and off where there is none."""
        return self.shown(gateway_as_it_is())

    @extend_schema(
        request=SmsGatewaySerializer,
        responses=SmsGatewaySerializer,
        operation_id="sms_gateway_partial_update",
    )
    def patch(self, request: Request) -> Response:
        """Change it; what is left out stays."""
        row = gateway_as_it_is()
        sent = self.changed(row)
        headers = taken_secret(sent, "headers")
        saved = save_gateway(
            Gateway(**{**{name: getattr(row, name) for name in _FIELDS}, **sent}),
            headers=headers,
            version=row.version,
            actor=self.actor,
        )
        return self.shown(saved)


class _TestView(Manners):
    """Sends a person a test; a worker does, so that the answer does not wait for a server."""

    permission_classes = [MayUseOnly]
    model = ""

    def send(self, user: User) -> Delivery | None:
        """The test on its way; None where it does not reach them."""
        raise NotImplementedError

    def test(self, request: Request, *, is_on: bool) -> Response:
        """The delivery; 409 where nothing is on, 400 for a person whom it does not reach."""
        if not is_on:
            raise ConflictError(_("Switch it on first."))
        asked = RecipientSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        staff = User.objects.filter(is_visitor=False, is_staff=True, is_active=True)
        user = within_limits(request.user, staff).filter(**_named(asked)).first()
        sent = self.send(user) if user else None
        if sent is None:
            raise DomainError(_("There is no such person of the staff here."), field="person")
        return Response(SentTestSerializer(sent).data, status=202)


class SmsTestView(_TestView):
    """A test of the SMS gateway."""

    model = "notifications.smsgateway"

    def send(self, user: User) -> Delivery | None:
        """To their own number."""
        return send_test_sms(user)

    @extend_schema(
        request=RecipientSerializer, responses={202: SentTestSerializer}, examples=[_TEST]
    )
    def post(self, request: Request) -> Response:
        """Send a text message to somebody's own number; 400 for who entered none."""
        return self.test(request, is_on=sends_sms())


class SenderTestView(_TestView):
    """A test of the sender."""

    model = "branding.sender"

    def send(self, user: User) -> Delivery | None:
        """To their address."""
        return send_test_mail(user)

    @extend_schema(
        request=RecipientSerializer, responses={202: SentTestSerializer}, examples=[_TEST]
    )
    def post(self, request: Request) -> Response:
        """Send a mail by the own mail server; the message's `error` is what that said."""
        return self.test(request, is_on=own_sender() is not None)


def _named(asked: RecipientSerializer) -> dict[str, Any]:
    return {"uuid": asked.validated_data["person"]}
