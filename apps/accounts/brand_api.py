"""The brand and the sender of a schema over the API: one of each."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import may
from apps.accounts.languages import LANGUAGE_CODES
from apps.accounts.resources import may_write
from apps.branding import senders
from apps.branding import services as brands
from apps.branding.domain_state import checks_of, domain_state
from apps.branding.domains import BAD, OK, UNKNOWN, WARN
from apps.branding.models import Brand, DomainState, Sender
from apps.core.api.etags import etag_of, matches
from apps.core.api.serializers import ModelSerializer
from apps.core.api.views import Manners
from apps.core.exceptions import PreconditionError
from apps.events.actors import user_actor
from dotmac.crypto.secret import Secret

_WORDS = tuple(brands.Words.__dataclass_fields__)
_SENDER = tuple(senders.SenderWords.__dataclass_fields__)
_HOST = r"^(?!-)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\Z"


class _MayBrand(BasePermission):
    """As in the admin."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """By the right on the row."""
        right = "view" if request.method in ("GET", "HEAD", "OPTIONS") else "change"
        return may_write(request) and may(request.user, f"branding.{right}_{view.model}")  # type: ignore[attr-defined]


class BrandSerializer(ModelSerializer[Brand]):
    """Name, colour and what mails say; logos are brought in the admin."""

    id = serializers.SerializerMethodField()
    primary = serializers.RegexField(
        r"^#[0-9a-f]{6}\Z", required=False, allow_blank=True, help_text="As `#2a6fd6`."
    )

    language = serializers.ChoiceField(
        LANGUAGE_CODES,
        required=False,
        allow_blank=True,
        help_text="Of whoever chose none; empty: the browser says.",
    )

    class Meta:
        model = Brand
        fields = ("id", *_WORDS)

    def get_id(self, brand: Brand) -> str:
        """There is one."""
        return "brand"


class DomainCheckSerializer(serializers.Serializer[Any]):
    """What the DNS says: SPF, DKIM or DMARC."""

    name = serializers.CharField()
    verdict = serializers.ChoiceField(
        [OK, WARN, BAD, UNKNOWN], source="tone", help_text="`idle` where nothing is known."
    )
    record = serializers.CharField(source="found")
    text = serializers.CharField(help_text="What it means, and what to do.")


class DomainSerializer(serializers.Serializer[DomainState]):
    """What the DNS says of the domain that mails are from; it is asked once a day."""

    name = serializers.CharField(source="domain")
    checked_at = serializers.DateTimeField(help_text="When all of it was answered last.")
    silent_since = serializers.DateTimeField(
        help_text="Since when a name server does not answer; what it said last is shown."
    )
    checks = serializers.SerializerMethodField()

    @extend_schema_field(DomainCheckSerializer(many=True))
    def get_checks(self, state: DomainState) -> Any:
        """As they came out last."""
        return DomainCheckSerializer(checks_of(state), many=True).data


class SenderSerializer(ModelSerializer[Sender]):
    """The address that mails are from, and its mail server; the password is never shown."""

    id = serializers.SerializerMethodField()
    host = serializers.RegexField(_HOST, max_length=200, required=False, allow_blank=True)
    port = serializers.IntegerField(min_value=1, max_value=65535, required=False)
    password = serializers.CharField(
        max_length=300, required=False, write_only=True, trim_whitespace=False
    )

    domain = serializers.SerializerMethodField()

    class Meta:
        model = Sender
        fields = ("id", *_SENDER, "password", "domain")

    @extend_schema_field(DomainSerializer(allow_null=True))
    def get_domain(self, _sender: Sender) -> Any:
        """What is known of it; null until it was looked at."""
        state = domain_state()
        return DomainSerializer(state).data if state else None

    def get_id(self, sender: Sender) -> str:
        """There is one."""
        return "sender"


class _Only(Manners):
    """Something of which a schema has one."""

    permission_classes = [_MayBrand]
    serializer_class: type[ModelSerializer[Any]]
    model = ""

    def shown(self, row: Brand | Sender) -> Response:
        """As it is."""
        return Response(self.serializer_class(row).data)

    def changed(self, row: Brand | Sender) -> dict[str, Any]:
        """What was sent, checked; PreconditionError where If-Match names another version."""
        asked = self.request.headers.get("If-Match")
        if asked and not matches(asked, etag_of(self.serializer_class(row).data)):
            raise PreconditionError(
                _("It was changed since you read it. Read it again, then decide.")
            )
        sent = self.serializer_class(row, data=self.request.data, partial=True)
        sent.is_valid(raise_exception=True)
        values: dict[str, Any] = sent.validated_data
        return values


class BrandView(_Only):
    """How this level looks, and in whose name it writes."""

    model = "brand"
    serializer_class = BrandSerializer

    @extend_schema(responses=BrandSerializer, operation_id="brand_retrieve")
    def get(self, request: Request) -> Response:
        """The brand; empty words where nothing was chosen."""
        return self.shown(brands.brand_as_it_is())

    @extend_schema(
        request=BrandSerializer, responses=BrandSerializer, operation_id="brand_partial_update"
    )
    def patch(self, request: Request) -> Response:
        """Change words and colour; what is left out stays."""
        row = brands.brand_as_it_is()
        words = {**{name: getattr(row, name) for name in _WORDS}, **self.changed(row)}
        brand = brands.save_brand(
            brands.Words(**words),
            brands.NewPictures(),
            version=row.version,
            actor=user_actor(request.user),
        )
        return self.shown(brand)


class SenderView(_Only):
    """The address that mails are from, and its own mail server."""

    model = "sender"
    serializer_class = SenderSerializer

    @extend_schema(responses=SenderSerializer, operation_id="sender_retrieve")
    def get(self, request: Request) -> Response:
        """The sender; empty where mails leave by the installation's server."""
        return self.shown(senders.sender_as_it_is())

    @extend_schema(
        request=SenderSerializer, responses=SenderSerializer, operation_id="sender_partial_update"
    )
    def patch(self, request: Request) -> Response:
        """Change it; the password stays as long as the server and its user name do."""
        row = senders.sender_as_it_is()
        sent = self.changed(row)
        password = sent.pop("password", "")
        words = {**{name: getattr(row, name) for name in _SENDER}, **sent}
        sender = senders.save_sender(
            senders.SenderWords(**words),
            password=Secret(password) if password else None,
            version=row.version,
            actor=user_actor(request.user),
        )
        return self.shown(sender)
