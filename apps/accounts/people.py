"""People of a schema, and who asks, over the API."""

from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import members, services
from apps.accounts.bulk_api import BulkUpsert
from apps.accounts.languages import LANGUAGE_CODES, choose_language
from apps.accounts.models import ApiKey, User
from apps.accounts.personal_api import OPERATION, ErasureSerializer, check_confirmed, give_out
from apps.accounts.personal_kinds import long_work
from apps.accounts.programs import Program
from apps.accounts.resources import LabelledResource
from apps.accounts.security.factors import remove_factors
from apps.accounts.security.people import people_with_factors
from apps.accounts.security.policy import policy_in_force
from apps.accounts.service_accounts import word_of
from apps.accounts.zones import choose_zone
from apps.core.api.bulk import described_bulk
from apps.core.api.labels import Labels, Shown
from apps.core.api.views import Manners
from apps.core.api.zones import TimeZoneField
from apps.core.personal import USER
from apps.tenancy.kinds import current_schema, kind_of

_LANGUAGE = "Of pages and mails; empty: that of the level, else of the browser."
_ZONE = "Of the times they read, as `Europe/Paris`; empty: that of the level."
_ROLE = "“owner”, a built-in role, the id of an own one, or empty."
_DORA = {
    "id": "0b0f7c5e-9d0a-4b57-8f41-0d1a4c6a7e11",
    "email": "dora@acme.example",
    "name": "Dora Diaz",
    "language": "fr",
    "time_zone": "Europe/Paris",
    "role": "support",
    "limits": [],
    "is_staff": True,
    "is_superuser": False,
    "is_active": True,
    "created_at": "2026-01-31T09:00:00Z",
    "external_id": "",
    "metadata": {},
    "updated_at": "2026-01-31T09:00:00Z",
}


class PersonSerializer(Shown):
    """A person of this schema; there is no password in the API."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    role = serializers.SerializerMethodField(help_text=_ROLE)
    limits = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField(source="date_joined", read_only=True)

    class Meta:
        model = User
        fields = (
            "id",
            "email",
            "name",
            "language",
            "time_zone",
            "role",
            "limits",
            "is_staff",
            "is_superuser",
            "is_active",
            "created_at",
        )
        read_only_fields = fields

    def get_limits(self, user: User) -> list[str]:
        """What the role is limited to, as `type:id`; empty for everything."""
        return members.limits_in_text(user)

    def get_role(self, user: User) -> str:
        """Their role as one word; empty for those who are no staff."""
        return members.role_of(user)


class PersonChangesSerializer(Labels):
    """What can be changed of a person by others."""

    language = serializers.ChoiceField(
        LANGUAGE_CODES, required=False, allow_blank=True, help_text=_LANGUAGE
    )
    time_zone = TimeZoneField(required=False, allow_blank=True, help_text=_ZONE)


class NewPersonSerializer(PersonChangesSerializer):
    """A person to add; nobody gives a role above their own."""

    email = serializers.EmailField()
    name = serializers.CharField(max_length=120, required=False, default="")
    role = serializers.CharField(max_length=40, required=False, default="", help_text=_ROLE)


class RoleChoiceSerializer(serializers.Serializer[Any]):
    """The role to give, and what it is limited to."""

    role = serializers.CharField(max_length=40, allow_blank=True, help_text=_ROLE)
    limits = serializers.ListField(
        child=serializers.CharField(max_length=80),
        required=False,
        max_length=200,
        help_text="As “instance:<id>”; empty for everything. Left out, they stay as they are.",
    )


class SecondFactorsSerializer(serializers.Serializer[Any]):
    """What somebody signs in with beside a password."""

    id = serializers.UUIDField(source="user.uuid", help_text="Of the person.")
    email = serializers.EmailField(source="user.email")
    factors = serializers.ListField(
        child=serializers.CharField(), help_text="Those that were set up here."
    )
    is_elsewhere = serializers.BooleanField(
        help_text="Whether they come by the one log-in, so that their factors are at DotMac."
    )
    has_factor = serializers.BooleanField()
    deadline = serializers.DateTimeField(
        allow_null=True, help_text="From when on they need one; null where they do not, or have it."
    )
    is_late = serializers.BooleanField(help_text="Whether that is over.")


class MeSerializer(serializers.Serializer[Any]):
    """Whose key this is, what it may, and where it opens."""

    id = serializers.UUIDField(help_text="Of the service account.")
    name = serializers.CharField()
    role = serializers.CharField(help_text=_ROLE)
    scopes = serializers.ListField(child=serializers.CharField())
    kind = serializers.ChoiceField(choices=["public", "console", "workspace"])
    key = serializers.CharField(help_text="The name of the key.")
    expires_at = serializers.DateTimeField(allow_null=True)


@extend_schema_view(
    list=extend_schema(examples=[OpenApiExample("A person", _DORA, response_only=True)]),
    retrieve=extend_schema(examples=[OpenApiExample("A person", _DORA, response_only=True)]),
    bulk=described_bulk(
        "people",
        NewPersonSerializer,
        {"external_id": "hr-7", "email": "dora@acme.example", "name": "Dora Diaz"},
        {"email": "emil@acme.example", "language": "fr"},
    ),
)
class PersonViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, BulkUpsert, LabelledResource):
    """People of this schema. They are switched off, never deleted."""

    access = "people"
    serializer_class = PersonSerializer
    permissions: ClassVar = {
        "create": "people.manage",
        "partial_update": "people.manage",
        "deactivate": "people.manage",
        "reactivate": "people.manage",
        "role": "people.manage",
        "end_sessions": "people.manage",
        # Of owners alone, as the page.
        "second_factors": "accounts.view_signinpolicy",
        "all_second_factors": "accounts.view_signinpolicy",
        "reset_second_factors": "accounts.change_signinpolicy",
        "personal_data": "people.erase",
        "export_personal_data": "people.erase",
        "erase": "people.erase",
    }
    queryset = User.objects.select_related("membership__own_role").filter(is_visitor=False)
    filterset_fields = ("email", "is_staff", "is_active")
    bulk_name, bulk_keys = "people", ("external_id", "email")
    new_row, changed_row = NewPersonSerializer, PersonChangesSerializer

    def check_labelling(self, row: User) -> None:
        """Of nobody above oneself."""
        members.require_above(self.by, row)

    @extend_schema(request=NewPersonSerializer, responses={201: PersonSerializer})
    def create(self, request: Request) -> Response:
        """Add a person, who chooses a password through “Forgot your password?”."""
        return self.shown(self.add(self.checked(NewPersonSerializer)), 201)

    @transaction.atomic
    def add(self, values: dict[str, Any]) -> User:
        """In a role of at most one's own."""
        role = values.pop("role")
        user = services.create_user(actor=self.actor, **values)
        if role:
            members.set_role(user, role, by=self.by)
        self.label(user)
        return user

    @extend_schema(request=PersonChangesSerializer, responses={200: PersonSerializer})
    def partial_update(self, request: Request, uuid: UUID) -> Response:
        """Change language and time zone, what another system calls them, and what it notes."""
        user = self.get_object()
        self.change(user, self.checked(PersonChangesSerializer, user))
        return self.shown(user)

    def change(self, row: User, values: dict[str, Any]) -> None:
        """Language, time zone and labels of somebody who is not above oneself."""
        self.check_labelling(row)
        if "language" in values:
            choose_language(row, values["language"], actor=self.actor)
        if "time_zone" in values:
            choose_zone(row, values["time_zone"], actor=self.actor)
        self.label(row)

    @extend_schema(request=None, responses={200: PersonSerializer})
    @action(detail=True, methods=["post"])
    def deactivate(self, request: Request, uuid: UUID) -> Response:
        """Keep a person out from the next request on; service accounts go on."""
        return self._switch(services.deactivate_user)

    @extend_schema(request=None, responses={200: PersonSerializer})
    @action(detail=True, methods=["post"])
    def reactivate(self, request: Request, uuid: UUID) -> Response:
        """Let a person in again."""
        return self._switch(services.reactivate_user)

    @extend_schema(request=RoleChoiceSerializer, responses={200: PersonSerializer})
    @action(detail=True, methods=["post"])
    def role(self, request: Request, uuid: UUID) -> Response:
        """Give a person another role, or none; 409 where no owner would be left."""
        user, values = self.get_object(), self.checked(RoleChoiceSerializer)
        limits = values.get("limits", members.limits_in_text(user))
        members.set_role(user, values["role"], by=self.by, limits=limits)
        return self.shown(user)

    @extend_schema(request=None, responses={200: PersonSerializer})
    @action(detail=True, methods=["post"], url_path="end-sessions")
    def end_sessions(self, request: Request, uuid: UUID) -> Response:
        """Sign a person out everywhere at once; they can sign in again."""
        user = self.get_object()
        members.end_sessions(user, by=self.by)
        return self.shown(user)

    @extend_schema(responses={200: SecondFactorsSerializer})
    @action(detail=True, methods=["get"], url_path="second-factors")
    def second_factors(self, request: Request, uuid: UUID) -> Response:
        """Which second factors a person has, and from when on they may do nothing without."""
        user = self.get_object()
        (row,) = people_with_factors(policy_in_force(), User.objects.filter(pk=user.pk))
        return Response(SecondFactorsSerializer(row).data)

    @extend_schema(responses={200: SecondFactorsSerializer(many=True)})
    @action(detail=False, methods=["get"], url_path="second-factors")
    def all_second_factors(self, request: Request) -> Response:
        """Which second factors everybody has who can sign in, in the order of the people."""
        page = self.paginate_queryset(
            self.filter_queryset(self.get_queryset().filter(is_active=True))
        )
        people = [user.pk for user in page or []]
        rows = people_with_factors(policy_in_force(), User.objects.filter(pk__in=people))
        found = sorted(rows, key=lambda row: people.index(row["user"].pk))
        return self.get_paginated_response(SecondFactorsSerializer(found, many=True).data)

    @extend_schema(request=None, responses={200: PersonSerializer})
    @action(detail=True, methods=["post"], url_path="reset-second-factors")
    def reset_second_factors(self, request: Request, uuid: UUID) -> Response:
        """Take all factors from a person who lost them; 409 for one who has none here."""
        user = self.get_object()
        remove_factors(user, actor=self.actor)
        return self.shown(user)

    @extend_schema(request=None, responses={200: OpenApiTypes.OBJECT})
    @action(detail=True, methods=["get"], url_path="personal-data")
    def personal_data(self, request: Request, uuid: UUID) -> Response:
        """The newest file of every row about a person here; 404 where none is kept."""
        user = self.get_object()
        members.require_above(self.by, user)
        return Response(give_out(USER, user, actor=self.actor))

    @extend_schema(request=None, responses={202: OPERATION})
    @personal_data.mapping.post
    def export_personal_data(self, request: Request, uuid: UUID) -> Response:
        """Have every row about a person here and the events that name them written into a file.

        It has no secrets, is taken by GET, and kept for seven days.
        """
        user = self.get_object()
        members.require_above(self.by, user)
        return long_work().accepted(long_work().export(USER, user, actor=self.actor))

    @extend_schema(request=ErasureSerializer, responses={202: OPERATION})
    @action(detail=True, methods=["post"])
    def erase(self, request: Request, uuid: UUID) -> Response:
        """Take the person out for good; 409 for the last owner. `confirm` is their address.

        They can do nothing more from now on; the operation tells how far the rest is.
        """
        user = self.get_object()
        members.require_above(self.by, user)
        check_confirmed(self.checked(ErasureSerializer), user.email)
        return long_work().accepted(long_work().erase(USER, user, actor=self.actor))

    def _switch(self, change: Any) -> Response:
        user = self.get_object()
        members.require_above(self.by, user)
        change(user, actor=self.actor)
        return self.shown(user)


class MeView(Manners):
    """Who the key acts as."""

    permission_classes = [IsAuthenticated]

    @extend_schema(responses=MeSerializer, operation_id="me_retrieve")
    def get(self, request: Request) -> Response:
        """The service account behind the key, the key, and the kind of schema."""
        program, key = request.user, request.auth
        assert isinstance(program, Program)
        assert isinstance(key, ApiKey)
        account = program.account
        facts = {
            "id": account.uuid,
            "name": account.name,
            "role": word_of(account),
            "scopes": program.scopes,
            "kind": kind_of(current_schema()),
            "key": key.name,
            "expires_at": key.expires_at,
        }
        return Response(MeSerializer(facts).data)
