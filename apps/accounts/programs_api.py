"""Service accounts and their keys over the API."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import api_keys, service_accounts
from apps.accounts.api_keys import LONGEST_DAYS, LONGEST_OVERLAP_H
from apps.accounts.bulk_api import BulkUpsert
from apps.accounts.models import ApiKey, ServiceAccount
from apps.accounts.resources import LabelledResource, Resource
from apps.core.api.bulk import described_bulk
from apps.core.api.labels import Labels, Shown
from apps.core.api.serializers import ModelSerializer
from apps.core.exceptions import DomainError

_ROLE = "“owner”, a built-in role, or the id of an own one; at most what you hold yourself."
_LIMITS = "As “instance:<id>”; empty for everything."
_SCOPES = (
    "Keys of permissions (`subscribers.view`), areas (`subscribers.*`), `read` for all that only"
    " looks, or `*` for all that the account may."
)
_KEY = {
    "id": "3f2c9d51-8a44-4a52-9a7e-52a1f0a6c0de",
    "account": "c5a0b4b2-7a43-4a4c-8a2b-0a4a3a8f4d10",
    "name": "CRM",
    "scopes": ["subscribers.view", "subscribers.change"],
    "prefix": "0f3a5c7e9b1d",
    "created_at": "2026-01-31T09:00:00Z",
    "expires_at": "2026-05-01T09:00:00Z",
    "last_used_at": None,
    "last_used_ip": "",
    "revoked_at": None,
    "replaced_by": None,
    "is_usable": True,
}
_KEY_EXAMPLE = OpenApiExample("A key", _KEY, response_only=True)
_NEW_KEY_EXAMPLE = OpenApiExample(
    "A key for a CRM",
    {
        "account": _KEY["account"],
        "name": "CRM",
        "scopes": ["subscribers.view", "subscribers.change"],
        "expires_in_days": 90,
    },
    request_only=True,
)
_WITH_SECRET = OpenApiExample(
    "A new key",
    {**_KEY, "key": "dm_0f3a5c7e9b1d_…"},
    response_only=True,
    status_codes=["201"],
)


class ServiceAccountSerializer(Shown):
    """A program that may something here."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    role = serializers.SerializerMethodField(help_text=_ROLE)
    limits = serializers.SerializerMethodField(help_text=_LIMITS)
    made_by = serializers.CharField(
        source="created_by.email", default=None, allow_null=True, read_only=True
    )
    maker_left = serializers.SerializerMethodField()

    class Meta:
        model = ServiceAccount
        fields = (
            "id",
            "name",
            "description",
            "role",
            "limits",
            "is_active",
            "made_by",
            "maker_left",
            "created_at",
        )
        read_only_fields = fields

    def get_role(self, account: ServiceAccount) -> str:
        """Its role as one word."""
        return service_accounts.word_of(account)

    def get_limits(self, account: ServiceAccount) -> list[str]:
        """What the role is limited to."""
        return [f"{one['type']}:{one['id']}" for one in account.limits]

    def get_maker_left(self, account: ServiceAccount) -> bool:
        """Whether who made it is gone or switched off; the account goes on."""
        return service_accounts.is_orphan(account)


class AccountChangesSerializer(Labels):
    """What can change of a service account."""

    name = serializers.CharField(max_length=80)
    description = serializers.CharField(max_length=300, required=False, allow_blank=True)
    role = serializers.CharField(max_length=40, help_text=_ROLE)
    limits = serializers.ListField(
        child=serializers.CharField(max_length=80),
        required=False,
        max_length=200,
        help_text=_LIMITS,
    )


class KeySerializer(ModelSerializer[ApiKey]):
    """A key; its text was shown once."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    account = serializers.UUIDField(source="account.uuid", read_only=True)
    scopes = serializers.ListField(child=serializers.CharField(), read_only=True, help_text=_SCOPES)
    replaced_by = serializers.UUIDField(
        source="replaced_by.uuid", default=None, allow_null=True, read_only=True
    )
    is_usable = serializers.BooleanField(read_only=True)

    class Meta:
        model = ApiKey
        fields: tuple[str, ...] = (
            "id",
            "account",
            "name",
            "scopes",
            "prefix",
            "created_at",
            "expires_at",
            "last_used_at",
            "last_used_ip",
            "revoked_at",
            "replaced_by",
            "is_usable",
        )
        read_only_fields = fields


class KeyWithTextSerializer(KeySerializer):
    """With the key itself, this once."""

    key = serializers.CharField(
        read_only=True,
        help_text="Not in the answer to a repeated idempotency key: rotate it if it was lost.",
    )

    class Meta(KeySerializer.Meta):
        fields = (*KeySerializer.Meta.fields, "key")
        read_only_fields = fields


class _EndSerializer(serializers.Serializer[Any]):
    expires_in_days = serializers.IntegerField(
        min_value=1,
        max_value=LONGEST_DAYS,
        required=False,
        default=90,
        allow_null=True,
        help_text="null for a key that never expires.",
    )


class NewKeySerializer(_EndSerializer):
    """A key to make; at most what you hold yourself."""

    account = serializers.UUIDField(help_text="The service account's id.")
    name = serializers.CharField(max_length=80)
    scopes = serializers.ListField(
        child=serializers.CharField(max_length=80), min_length=1, max_length=100, help_text=_SCOPES
    )


class RotationSerializer(_EndSerializer):
    """How long the old key is good beside the new one."""

    overlap_hours = serializers.IntegerField(
        min_value=0, max_value=LONGEST_OVERLAP_H, required=False, default=24
    )


@extend_schema_view(
    bulk=described_bulk(
        "service_accounts",
        AccountChangesSerializer,
        {"external_id": "vault-3", "name": "CRM", "role": "support"},
        {"external_id": "vault-4", "description": "Reads usage at night"},
    )
)
class ServiceAccountViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, BulkUpsert, LabelledResource
):
    """Programs with a role here. They go on when whoever made them leaves."""

    access = "service-accounts"
    permissions: ClassVar = dict.fromkeys(
        ("list", "retrieve", "create", "partial_update", "activate", "deactivate"), "keys.use"
    )
    serializer_class = ServiceAccountSerializer
    queryset = ServiceAccount.objects.all()
    filterset_fields = ("name", "is_active")
    bulk_name = "service_accounts"
    new_row = changed_row = AccountChangesSerializer

    def get_queryset(self) -> QuerySet[ServiceAccount]:
        """Those that may no more than who asks."""
        return service_accounts.accounts_of(self.by)

    @extend_schema(request=AccountChangesSerializer, responses={201: ServiceAccountSerializer})
    def create(self, request: Request) -> Response:
        """Make a service account, in a role that may no more than you."""
        return self.shown(self.add(self.checked(AccountChangesSerializer)), 201)

    def add(self, values: dict[str, Any]) -> ServiceAccount:
        """In a role of at most one's own."""
        account = service_accounts.create_account(by=self.by, **values)
        self.label(account)
        return account

    @extend_schema(request=AccountChangesSerializer, responses={200: ServiceAccountSerializer})
    def partial_update(self, request: Request, uuid: UUID) -> Response:
        """Change name, description, role, limits or labels."""
        account = self.get_object()
        self.change(account, self.checked(AccountChangesSerializer, account))
        return self.shown(account)

    def change(self, row: ServiceAccount, values: dict[str, Any]) -> None:
        """What is given, and the labels."""
        if values:
            service_accounts.change_account(row, by=self.by, **values)
        self.label(row)

    @extend_schema(request=None, responses={200: ServiceAccountSerializer})
    @action(detail=True, methods=["post"])
    def activate(self, request: Request, uuid: UUID) -> Response:
        """Let it in again."""
        return self._switch(is_active=True)

    @extend_schema(request=None, responses={200: ServiceAccountSerializer})
    @action(detail=True, methods=["post"])
    def deactivate(self, request: Request, uuid: UUID) -> Response:
        """Refuse its keys from the next request on."""
        return self._switch(is_active=False)

    def _switch(self, *, is_active: bool) -> Response:
        account = self.get_object()
        service_accounts.switch_account(account, is_active, by=self.by)
        return self.shown(account)


@extend_schema_view(
    list=extend_schema(examples=[_KEY_EXAMPLE]), retrieve=extend_schema(examples=[_KEY_EXAMPLE])
)
class KeyViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    """Keys of service accounts. Each is shown once; a revoked one stays in the list."""

    access = "api-keys"
    permissions: ClassVar = dict.fromkeys(
        ("list", "retrieve", "create", "rotate", "revoke"), "keys.use"
    )
    serializer_class = KeySerializer
    queryset = ApiKey.objects.all()
    filterset_fields = ("account__uuid", "name", "prefix")
    changed_fields = ("created_at", "revoked_at", "last_used_at")

    def get_queryset(self) -> QuerySet[ApiKey]:
        """Of the accounts that may no more than who asks."""
        rows = ApiKey.objects.select_related("account__own_role", "replaced_by")
        return rows.filter(account__in=service_accounts.accounts_of(self.by))

    @extend_schema(
        request=NewKeySerializer,
        responses={201: KeyWithTextSerializer},
        examples=[_NEW_KEY_EXAMPLE, _WITH_SECRET],
    )
    def create(self, request: Request) -> Response:
        """Make a key; the answer holds its text, this once."""
        values = self.checked(NewKeySerializer)
        made, text = api_keys.create_key(
            self._account(values["account"]),
            name=values["name"],
            scopes=values["scopes"],
            days=values["expires_in_days"],
            by=self.by,
        )
        return self.with_secret(made, "key", text, status=201)

    @extend_schema(
        request=RotationSerializer,
        responses={201: KeyWithTextSerializer},
        examples=[_WITH_SECRET],
    )
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, uuid: UUID) -> Response:
        """Make a key that takes its place; the old one is good for the overlap."""
        key, values = self.get_object(), self.checked(RotationSerializer)
        made, text = api_keys.rotate_key(
            key,
            by=self.by,
            overlap_h=values["overlap_hours"],
            days=values["expires_in_days"],
        )
        return self.with_secret(made, "key", text, status=201)

    @extend_schema(request=None, responses={200: KeySerializer})
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, uuid: UUID) -> Response:
        """End it at once."""
        key = self.get_object()
        api_keys.revoke_key(key, by=self.by)
        return self.shown(key)

    def _account(self, uuid: UUID) -> ServiceAccount:
        found = service_accounts.accounts_of(self.by).filter(uuid=uuid).first()
        if found is None:
            raise DomainError("There is no such service account.", field="account")
        return found
