"""Identity providers over the API: for owners' programs, since a provider opens any account."""

from typing import ClassVar
from uuid import UUID

from allauth.socialaccount.models import SocialAccount
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.providers.links import links_of
from apps.accounts.providers.models import IdentityProvider
from apps.accounts.providers.pages import callback_url, metadata_url
from apps.accounts.providers.services import is_moved, remove_provider, save_provider
from apps.accounts.resources import Resource
from apps.core.api.serializers import ModelSerializer
from apps.core.exceptions import ConflictError
from dotmac.crypto.secret import Secret

_KEY = r"^[a-z0-9]+(?:-[a-z0-9]+)*\Z"
_DOMAIN = r"^[a-z0-9-]+(\.[a-z0-9-]+)+\Z"
_LONGEST_METADATA = 200_000
_OFFICE = {
    "id": "9d4f3c52-54a4-4a43-b7a9-7f2d4f1d8a10",
    "kind": "oidc",
    "key": "office",
    "name": "Hilltop Office",
    "issuer": "https://sso.hilltop.example/realms/office",
    "client_id": "dotmac",
    "metadata_url": "",
    "metadata": "",
    "domains": ["hilltop.example"],
    "creates_people": False,
    "is_on": True,
}
_SHOWN = {
    **_OFFICE,
    "metadata_error": "",
    "callback_url": "https://acme.apps.example/accounts/oidc/office/login/callback/",
    "entity_id": "",
    "linked_people": 12,
    "updated_at": "2026-01-31T09:00:00Z",
}
_EXAMPLE = OpenApiExample("A provider", _SHOWN, response_only=True)
_NEW = OpenApiExample(
    "A provider of OpenID Connect",
    {
        **{name: _OFFICE[name] for name in ("kind", "key", "name", "issuer", "client_id")},
        "secret": "…",  # nosec B105 - an ellipsis
        "domains": ["hilltop.example"],
    },
    request_only=True,
)


class IdentityProviderSerializer(ModelSerializer[IdentityProvider]):
    """Where people sign in elsewhere; the client secret is never shown."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    # Empty where the kind has none, which is no address.
    issuer = serializers.CharField(read_only=True)
    metadata_url = serializers.CharField(read_only=True)
    domains = serializers.ListField(child=serializers.CharField(), read_only=True)
    callback_url = serializers.SerializerMethodField()
    entity_id = serializers.SerializerMethodField()
    linked_people = serializers.IntegerField(
        read_only=True, help_text="How many people are linked to it."
    )

    class Meta:
        model = IdentityProvider
        fields = (*_OFFICE, *(name for name in _SHOWN if name not in _OFFICE))
        read_only_fields = fields

    def get_callback_url(self, provider: IdentityProvider) -> str:
        """The address to allow at the provider."""
        return callback_url(provider)

    def get_entity_id(self, provider: IdentityProvider) -> str:
        """Of SAML: the entity ID of this service, where its metadata are too."""
        return metadata_url(provider) if provider.kind == provider.Kind.SAML else ""


class ProviderChangesSerializer(ModelSerializer[IdentityProvider]):
    """What can be changed of a provider; kind and key stay."""

    secret = serializers.CharField(
        max_length=500,
        required=False,
        write_only=True,
        help_text="The client secret. Left out, the present one stays; a new issuer needs its own.",
    )
    metadata = serializers.CharField(max_length=_LONGEST_METADATA, required=False, allow_blank=True)
    domains = serializers.ListField(
        child=serializers.RegexField(_DOMAIN, max_length=253),
        required=False,
        max_length=100,
        help_text="In small letters. Whose people come in; empty: everybody, connected by hand.",
    )
    ends_links = serializers.BooleanField(
        required=False,
        write_only=True,
        help_text="Has to be true where the change ends the links of people to it.",
    )

    class Meta:
        model = IdentityProvider
        fields: tuple[str, ...] = (
            *("name", "issuer", "client_id", "secret", "metadata_url", "metadata"),
            *("domains", "creates_people", "is_on", "ends_links"),
        )


class NewProviderSerializer(ProviderChangesSerializer):
    """A provider to add; GitHub's key is always “github”."""

    key = serializers.RegexField(_KEY, max_length=30)
    ends_links = None  # type: ignore[assignment]

    class Meta(ProviderChangesSerializer.Meta):
        fields = ("kind", "key", *ProviderChangesSerializer.Meta.fields[:-1])


@extend_schema_view(
    list=extend_schema(examples=[_EXAMPLE]), retrieve=extend_schema(examples=[_EXAMPLE])
)
class IdentityProviderViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    """Where people may sign in elsewhere, for an owner's account alone."""

    access = "identity-providers"
    permissions: ClassVar = {"destroy": "accounts.delete_identityprovider"}
    serializer_class = IdentityProviderSerializer
    queryset = IdentityProvider.objects.all()
    filterset_fields = ("kind", "key", "is_on")

    def get_queryset(self) -> QuerySet[IdentityProvider]:
        """With how many people are linked to each."""
        linked = SocialAccount.objects.filter(provider=OuterRef("key")).order_by()
        counted = linked.values("provider").annotate(count=Count("pk")).values("count")
        count = Coalesce(Subquery(counted, output_field=IntegerField()), 0)
        return IdentityProvider.objects.annotate(linked_people=count)

    @extend_schema(
        request=NewProviderSerializer,
        responses={201: IdentityProviderSerializer},
        examples=[_NEW, _EXAMPLE],
    )
    def create(self, request: Request) -> Response:
        """Add a provider; the answer names the address to allow there."""
        values = self.checked(NewProviderSerializer)
        secret = values.pop("secret", "")
        provider = IdentityProvider(**values)
        save_provider(provider, secret=Secret(secret) if secret else None, actor=self.actor)
        return self.shown(provider, 201)

    @extend_schema(request=ProviderChangesSerializer, responses={200: IdentityProviderSerializer})
    def partial_update(self, request: Request, uuid: UUID) -> Response:
        """Change a provider; 409 where links of people would end without being told to."""
        row = self.get_object()
        # All of the row is written: what a worker fetched meanwhile stays.
        provider = IdentityProvider.objects.select_for_update().get(pk=row.pk)
        before = IdentityProvider.objects.get(pk=row.pk)
        values = self.checked(ProviderChangesSerializer, provider)
        secret, ends_links = values.pop("secret", ""), values.pop("ends_links", False)
        for name, value in values.items():
            setattr(provider, name, value)
        if not ends_links:
            _check_links(before, provider)
        save_provider(provider, secret=Secret(secret) if secret else None, actor=self.actor)
        return self.shown(provider)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, uuid: UUID) -> Response:
        """Remove a provider with the links of people to it; the people stay."""
        remove_provider(self.get_object(), actor=self.actor)
        return Response(status=204)


def _check_links(before: IdentityProvider, now: IdentityProvider) -> None:
    """ConflictError where people are linked to who named them before."""
    if is_moved(before, now) and links_of(before).exists():
        raise ConflictError(
            _(
                "People are linked to the provider as it was, and their links end. Send ends_links"
                " as true to go on."
            ),
            field="ends_links",
        )
