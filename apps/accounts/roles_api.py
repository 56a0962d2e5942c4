"""Roles and invitations over the API."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import invitations, members
from apps.accounts.invitation_mails import send_invitation
from apps.accounts.models import Invitation, Role
from apps.accounts.resources import LabelledResource, Resource
from apps.core.api.labels import Labels, Shown
from apps.core.api.serializers import ModelSerializer


class RoleSerializer(Shown):
    """A role of the schema's own."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    permissions = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Role
        fields = ("id", "name", "permissions")
        read_only_fields = fields


class RoleChangesSerializer(Labels):
    """What a role is called and may do; at most what you hold yourself."""

    name = serializers.CharField(max_length=60)
    permissions = serializers.ListField(child=serializers.CharField(max_length=80), max_length=200)


class InvitationSerializer(ModelSerializer[Invitation]):
    """A role offered to an address."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    limits = serializers.SerializerMethodField()
    state = serializers.SerializerMethodField()
    invited_by = serializers.CharField(source="inviter", read_only=True)

    class Meta:
        model = Invitation
        fields = (
            "id",
            "email",
            "role",
            "limits",
            "state",
            "invited_by",
            "created_at",
            "sent_at",
            "expires_at",
            "accepted_at",
            "revoked_at",
        )
        read_only_fields = fields

    def get_limits(self, row: Invitation) -> list[str]:
        """What the role would be limited to, as `type:id`."""
        return [f"{one['type']}:{one['id']}" for one in row.limits]

    def get_state(self, row: Invitation) -> str:
        """`open`, `accepted`, `revoked` or `expired`."""
        is_open = row.expires_at > timezone.now()
        ended = "accepted" if row.accepted_at else "revoked" if row.revoked_at else ""
        return ended or ("open" if is_open else "expired")


class NewInvitationSerializer(serializers.Serializer[Any]):
    """Whom to invite, in which role; never as an owner."""

    email = serializers.EmailField()
    role = serializers.CharField(
        max_length=40, help_text="A built-in role, or the id of an own one."
    )
    limits = serializers.ListField(
        child=serializers.CharField(max_length=80),
        required=False,
        default=list,
        max_length=200,
        help_text="As “instance:<id>”; empty for everything.",
    )


class RoleViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, LabelledResource):
    """Roles of the schema's own; the built-in ones are named in `access` of the guide."""

    access = "roles"
    permissions: ClassVar = {
        "create": "roles.manage",
        "partial_update": "roles.manage",
        "destroy": "roles.manage",
    }
    serializer_class = RoleSerializer
    queryset = Role.objects.all()
    filterset_fields = ("name",)

    @extend_schema(request=RoleChangesSerializer, responses={201: RoleSerializer})
    def create(self, request: Request) -> Response:
        """Make a role, of permissions that you hold."""
        return self.labelled(
            members.create_role(by=self.by, **self.checked(RoleChangesSerializer)), 201
        )

    @extend_schema(request=RoleChangesSerializer, responses={200: RoleSerializer})
    def partial_update(self, request: Request, uuid: UUID) -> Response:
        """Change what it is called and may do, for all who have it."""
        role = self.get_object()
        values = self.checked(RoleChangesSerializer, role)
        if values:
            now = {"name": role.name, "permissions": role.permissions}
            members.change_role(role, by=self.by, **{**now, **values})
        return self.labelled(role)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, uuid: UUID) -> Response:
        """Remove it; 409 while somebody has it."""
        members.delete_role(self.get_object(), by=self.by)
        return Response(status=204)


class InvitationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    """Roles offered by mail. Its link works once, for seven days."""

    access = "invitations"
    permissions: ClassVar = {
        "create": "people.manage",
        "send": "people.manage",
        "revoke": "people.manage",
    }
    serializer_class = InvitationSerializer
    queryset = Invitation.objects.all()
    filterset_fields = ("email",)
    changed_fields = ("created_at", "sent_at", "accepted_at", "revoked_at")

    def get_queryset(self) -> QuerySet[Invitation]:
        """With who invited."""
        return Invitation.objects.select_related("invited_by", "invited_by_program")

    @extend_schema(request=NewInvitationSerializer, responses={201: InvitationSerializer})
    def create(self, request: Request) -> Response:
        """Invite somebody; 409 for who has a role here, is invited already or gets no mail.

        Also when the day's quota of mails is used up (`quota_exceeded`).
        """
        made, token = invitations.invite(by=self.by, **self.checked(NewInvitationSerializer))
        send_invitation(request._request, made, token)
        return self.shown(made, 201)

    @extend_schema(request=None, responses={200: InvitationSerializer})
    @action(detail=True, methods=["post"])
    def send(self, request: Request, uuid: UUID) -> Response:
        """Send it again, with another link; 409 once it is over, within a minute, or unsendable."""
        row = self.get_object()
        send_invitation(request._request, row, invitations.renew(row, by=self.by))
        return self.shown(row)

    @extend_schema(request=None, responses={200: InvitationSerializer})
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, uuid: UUID) -> Response:
        """End it at once."""
        row = self.get_object()
        invitations.revoke(row, by=self.by)
        return self.shown(row)
