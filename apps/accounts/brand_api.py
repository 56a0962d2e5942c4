"""The brand and the sender of a schema over the API: one of each."""

import binascii
from base64 import b64decode
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.languages import LANGUAGE_CODES
from apps.accounts.single_api import OnlyOne, taken_secret
from apps.branding import senders
from apps.branding import services as brands
from apps.branding.domain_state import checks_of, domain_state
from apps.branding.domains import BAD, OK, UNKNOWN, WARN
from apps.branding.exceptions import PictureError
from apps.branding.looks import logo_of
from apps.branding.models import Brand, DomainState, Picture, Sender
from apps.branding.pictures import MAX_BYTES, CleanPicture, clean_picture
from apps.core.api.serializers import ModelSerializer
from apps.core.api.zones import TimeZoneField
from apps.core.exceptions import DomainError
from apps.events.actors import user_actor

_WORDS = tuple(brands.Words.__dataclass_fields__)
_SENDER = tuple(senders.SenderWords.__dataclass_fields__)
_HOST = r"^(?!-)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\Z"
# Four letters for each three bytes.
_LONGEST = MAX_BYTES * 4 // 3 + 4


class BrandSerializer(ModelSerializer[Brand]):
    """Name, colour, what mails say, and where the logos are."""

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
    time_zone = TimeZoneField(
        required=False,
        allow_blank=True,
        help_text="Of whoever chose none; empty: the one the organisation signed up with.",
    )
    logo = serializers.SerializerMethodField()
    logo_dark = serializers.SerializerMethodField()

    class Meta:
        model = Brand
        fields = ("id", *_WORDS, "logo", "logo_dark")

    def get_id(self, brand: Brand) -> str:
        """There is one."""
        return "brand"

    def get_logo(self, brand: Brand) -> str | None:
        """The path of the logo at this host, which needs no key; null for none."""
        return _url_of(brand.logo)

    def get_logo_dark(self, brand: Brand) -> str | None:
        """That of the one for dark ground."""
        return _url_of(brand.logo_dark)


class LogoSerializer(serializers.Serializer[Any]):
    """A picture."""

    content = serializers.CharField(
        max_length=_LONGEST,
        help_text="A PNG or SVG file of up to 512 kB, in base64. What it hides is not kept.",
    )


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


class BrandView(OnlyOne):
    """How this level looks, and in whose name it writes."""

    model = "branding.brand"
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
        return self.shown(_saved(request, row, brands.NewPictures(), **self.changed(row)))


class LogoView(OnlyOne):
    """The logo, or the one for dark ground."""

    model = "branding.brand"
    serializer_class = BrandSerializer
    # A field of the brand.
    which = "logo"

    @extend_schema(request=LogoSerializer, responses=BrandSerializer)
    def put(self, request: Request) -> Response:
        """Put a logo in the place of the present one; the answer is the brand."""
        row = brands.brand_as_it_is()
        self.check_version(row)
        sent = LogoSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        given: dict[str, Any] = {self.which: _picture(sent.validated_data["content"])}
        return self.shown(_saved(request, row, brands.NewPictures(**given)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request) -> Response:
        """Take the logo away; mails that were sent still show it."""
        row = brands.brand_as_it_is()
        self.check_version(row)
        _saved(request, row, brands.NewPictures(removed=frozenset({self.which})))
        return Response(status=204)


class SenderView(OnlyOne):
    """The address that mails are from, and its own mail server."""

    model = "branding.sender"
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
        password = taken_secret(sent, "password")
        words = {**{name: getattr(row, name) for name in _SENDER}, **sent}
        sender = senders.save_sender(
            senders.SenderWords(**words),
            password=password,
            version=row.version,
            actor=self.actor,
        )
        return self.shown(sender)


class SenderDomainView(OnlyOne):
    """The domain of the address that mails are from."""

    model = "branding.sender"
    supports_dry_run = False

    @extend_schema(request=None, responses={202: None}, operation_id="sender_domain_look")
    def post(self, request: Request) -> Response:
        """Have a worker ask the DNS now, as after a change of its records; `sender/` tells."""
        senders.call_for_check()
        return Response(status=202)


def _saved(request: Request, row: Brand, pictures: brands.NewPictures, **changed: Any) -> Brand:
    """The brand with other words or pictures."""
    words = {**{name: getattr(row, name) for name in _WORDS}, **changed}
    return brands.save_brand(
        brands.Words(**words), pictures, version=row.version, actor=user_actor(request.user)
    )


def _url_of(picture: Picture | None) -> str | None:
    logo = logo_of(picture)
    return logo.url if logo else None


def _picture(text: str) -> CleanPicture:
    """DomainError for what is no base64, or no logo."""
    try:
        return clean_picture(b64decode(text, validate=True))
    except (binascii.Error, ValueError) as error:
        raise DomainError(_("This is no base64."), field="content") from error
    except PictureError as error:
        raise DomainError(error.message, field="content") from error
