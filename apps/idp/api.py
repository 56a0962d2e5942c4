"""Clients of single sign-on over the operator's API."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.addresses import platform_url
from apps.accounts.resources import LabelledResource
from apps.core.api.labels import Labels, Shown
from apps.core.api.once import ShownOnceField
from apps.core.exceptions import DomainError
from apps.idp import services
from apps.idp.models import RelyingParty
from apps.idp.services import SCOPES, PartyWords
from apps.tenants.models import Organisation

_MOST_ADDRESSES, _MOST_ORGANISATIONS = 50, 1000
_WORDS = {
    "name": "The Wiki",
    "redirect_uris": ["https://wiki.example/back"],
    "scopes": ["profile", "email"],
    "who": "members",
    "organisations": ["4c2f0d0e-2f7a-4f65-9a1b-7b0a3c5d8e21"],
    "needs_second_factor": False,
    "skip_consent": False,
    "may_refresh": True,
    "is_on": True,
}
_CLIENT = {
    "id": "0c9f3c52-54a4-4a43-b7a9-7f2d4f1d8a10",
    "client_id": "b2f1c0d9e8a7",
    "issuer": "https://dotmac.example",
    "is_public": False,
    **_WORDS,
    "external_id": "",
    "metadata": {},
    "updated_at": "2026-01-31T09:00:00Z",
}
_EXAMPLE = OpenApiExample("A client", _CLIENT, response_only=True)
_MADE = OpenApiExample(
    "With its secret",
    {**_CLIENT, "secret": "…"},  # nosec B105 - an ellipsis
    response_only=True,
    status_codes=["200", "201"],
)
_NEW = OpenApiExample("A wiki of two ISPs", {"is_public": False, **_WORDS}, request_only=True)


class SsoClientSerializer(Shown):
    """A tool that people sign in to with their account here; its secret was shown once."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    client_id = serializers.CharField(read_only=True)
    issuer = serializers.SerializerMethodField()
    is_public = serializers.SerializerMethodField()
    name = serializers.CharField(source="client.name", read_only=True)
    redirect_uris = serializers.SerializerMethodField()
    scopes = serializers.SerializerMethodField()
    organisations = serializers.SerializerMethodField()
    skip_consent = serializers.BooleanField(source="client.skip_consent", read_only=True)
    may_refresh = serializers.SerializerMethodField()

    class Meta:
        model = RelyingParty
        fields: tuple[str, ...] = ("id", "client_id", "issuer", "is_public", *_WORDS)
        read_only_fields = fields

    def get_issuer(self, party: RelyingParty) -> str:
        """Where the client finds all the rest."""
        return platform_url("").rstrip("/")

    def get_is_public(self, party: RelyingParty) -> bool:
        """Whether it runs where no secret can be kept."""
        return bool(party.client.type == party.client.Type.PUBLIC)

    def get_redirect_uris(self, party: RelyingParty) -> list[str]:
        """Each exactly as the client sends it."""
        return list(party.client.get_redirect_uris())

    def get_scopes(self, party: RelyingParty) -> list[str]:
        """What it may know, beside who somebody is."""
        return [scope for scope in party.client.get_scopes() if scope != SCOPES[0]]

    def get_organisations(self, party: RelyingParty) -> list[str]:
        """Ids of those whose members it is for."""
        return [str(row.uuid) for row in party.organisations.all()]

    def get_may_refresh(self, party: RelyingParty) -> bool:
        """Whether it gets refresh tokens, which last 30 days."""
        return "refresh_token" in party.client.get_grant_types()


class SsoClientWithSecretSerializer(SsoClientSerializer):
    """With its secret, this once; of a public client null."""

    secret = ShownOnceField()

    class Meta(SsoClientSerializer.Meta):
        fields = (*SsoClientSerializer.Meta.fields, "secret")
        read_only_fields = fields


class ClientChangesSerializer(Labels):
    """What can be changed of a client; one that is public stays so."""

    name = serializers.CharField(max_length=100)
    redirect_uris = serializers.ListField(
        child=serializers.RegexField(r"^\S+\Z", max_length=500),
        min_length=1,
        max_length=_MOST_ADDRESSES,
    )
    scopes = serializers.ListField(
        child=serializers.ChoiceField(SCOPES[1:]), required=False, max_length=len(SCOPES)
    )
    who = serializers.ChoiceField(RelyingParty.Who.choices, required=False)
    organisations = serializers.ListField(
        child=serializers.UUIDField(), required=False, max_length=_MOST_ORGANISATIONS
    )
    needs_second_factor = serializers.BooleanField(required=False)
    skip_consent = serializers.BooleanField(
        required=False, help_text="Only for tools that you run yourself."
    )
    may_refresh = serializers.BooleanField(required=False)
    is_on = serializers.BooleanField(required=False)


class NewClientSerializer(ClientChangesSerializer):
    """A client to register."""

    is_public = serializers.BooleanField(required=False)


@extend_schema_view(
    list=extend_schema(examples=[_EXAMPLE]), retrieve=extend_schema(examples=[_EXAMPLE])
)
class SsoClientViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, LabelledResource):
    """Tools of others that people sign in to with their account here."""

    access = "single-sign-on"
    permissions: ClassVar = {"destroy": "idp.delete_relyingparty"}
    serializer_class = SsoClientSerializer
    queryset = RelyingParty.objects.all()
    filterset_fields = ("who", "is_on")

    def get_queryset(self) -> QuerySet[RelyingParty]:
        """With the library's row and the organisations."""
        rows = RelyingParty.objects.select_related("client")
        return rows.prefetch_related("organisations")

    @extend_schema(
        request=NewClientSerializer,
        responses={201: SsoClientWithSecretSerializer},
        examples=[_NEW, _MADE],
    )
    def create(self, request: Request) -> Response:
        """Register a client; the answer holds its secret, this once. A public one has none."""
        values = self.checked(NewClientSerializer)
        defaults = {"is_public": False, "scopes": [], "who": RelyingParty.Who.MEMBERS}
        words = PartyWords(**{**defaults, **_found(values)})
        party, secret = services.save_party(None, words, actor=self.actor)
        self.label(party)
        if secret:
            return self.with_secret(party, "secret", secret, status=201)
        shown = {**self.shown(party).data, "secret": None}  # nosec B105 - there is none
        return Response(shown, status=201)

    @extend_schema(request=ClientChangesSerializer, responses={200: SsoClientSerializer})
    def partial_update(self, request: Request, uuid: UUID) -> Response:
        """Change a client. Switched off, all its tokens end."""
        row = self.get_object()
        party = RelyingParty.objects.select_for_update().get(pk=row.pk)
        values = self.checked(ClientChangesSerializer, party)
        if values:
            words = PartyWords(**{**_words_of(party), **_found(values)})
            party, _none = services.save_party(party, words, actor=self.actor)
        return self.labelled(party)

    @extend_schema(request=None, responses={200: SsoClientWithSecretSerializer}, examples=[_MADE])
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, uuid: UUID) -> Response:
        """Make another secret, which counts at once; 400 for a public client."""
        party = self.get_object()
        secret = services.rotate_secret(party, actor=self.actor)
        return self.with_secret(party, "secret", secret)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, uuid: UUID) -> Response:
        """Remove a client with all its tokens."""
        services.remove_party(self.get_object(), actor=self.actor)
        return Response(status=204)


def _words_of(party: RelyingParty) -> dict[str, Any]:
    """What is kept of a client, in the words of its service."""
    client = party.client
    return {
        "name": client.name,
        "is_public": client.type == client.Type.PUBLIC,
        "redirect_uris": client.get_redirect_uris(),
        "scopes": client.get_scopes(),
        "who": party.who,
        "organisations": list(party.organisations.all()),
        "needs_second_factor": party.needs_second_factor,
        "skip_consent": client.skip_consent,
        "may_refresh": "refresh_token" in client.get_grant_types(),
        "is_on": party.is_on,
    }


def _found(values: dict[str, Any]) -> dict[str, Any]:
    """With the organisations that are named; DomainError where one is none."""
    if "organisations" not in values:
        return values
    asked = set(values["organisations"])
    rows = list(Organisation.objects.filter(uuid__in=asked))
    if len(rows) != len(asked):
        raise DomainError(_("There is no such organisation."), field="organisations")
    return {**values, "organisations": rows}
