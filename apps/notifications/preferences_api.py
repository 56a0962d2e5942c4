"""Which notices a person gets by which ways, over the API: for programs that manage people.

The inbox itself is the person's own and is not here: what asks is a program (ADR 015).
"""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import may, within_limits
from apps.accounts.members import require_above
from apps.accounts.models import User
from apps.accounts.resources import may_write
from apps.core.api.etags import etag_of, matches
from apps.core.api.views import Manners
from apps.core.exceptions import PreconditionError
from apps.events.actors import user_actor
from apps.notifications.gateways import channels_for
from apps.notifications.models import Channel
from apps.notifications.registry import kinds_for
from apps.notifications.services import choose_for, preferences_of
from apps.tenancy.kinds import current_schema, kind_of

_CHOICE = {"kind": "api_key.ends", "channel": "email", "is_on": False}
_SHOWN = OpenApiExample(
    "What a person is told",
    {
        "id": "0b0f7c5e-9d0a-4b57-8f41-0d1a4c6a7e11",
        "preferences": [{**_CHOICE, "title": "An API key ends soon", "is_default": False}],
    },
    response_only=True,
)
_SENT = OpenApiExample("No mail about keys", {"preferences": [_CHOICE]}, request_only=True)


class ChoiceSerializer(serializers.Serializer[Any]):
    """Whether a kind of notice comes by a way."""

    kind = serializers.CharField(max_length=60)
    channel = serializers.ChoiceField(choices=Channel.choices)
    is_on = serializers.BooleanField()


class ShownChoiceSerializer(ChoiceSerializer):
    """With what the kind is called, and whether it is as for everybody who chose nothing."""

    title = serializers.CharField()
    is_default = serializers.BooleanField()


class ChoicesSerializer(serializers.Serializer[Any]):
    """What is to change; what is not named stays."""

    preferences = serializers.ListField(child=ChoiceSerializer(), max_length=500)


class ShownPreferencesSerializer(serializers.Serializer[Any]):
    """Every kind of notice that the person can get here, by every way that there is."""

    id = serializers.UUIDField(help_text="Of the person.")
    preferences = ShownChoiceSerializer(many=True)


class _MayManage(BasePermission):
    """Who manages people."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """By the one access function."""
        return may_write(request) and may(request.user, "people.manage")


class PreferencesView(Manners):
    """Which notices a person gets by which ways."""

    permission_classes = [_MayManage]

    @extend_schema(
        responses=ShownPreferencesSerializer,
        operation_id="people_preferences_retrieve",
        examples=[_SHOWN],
    )
    def get(self, request: Request, uuid: UUID) -> Response:
        """Every kind that they can be told of, by every way."""
        return Response(_shown(self._person(uuid)))

    @extend_schema(
        request=ChoicesSerializer,
        responses=ShownPreferencesSerializer,
        operation_id="people_preferences_partial_update",
        examples=[_SENT, _SHOWN],
    )
    def patch(self, request: Request, uuid: UUID) -> Response:
        """Change those that are named; of nobody above oneself."""
        user = self._person(uuid)
        require_above(request.user, user)  # type: ignore[arg-type]
        # Locked before it is compared: nobody changes it between the two.
        User.objects.select_for_update().get(pk=user.pk)
        asked = request.headers.get("If-Match")
        if asked and not matches(asked, etag_of(_shown(user))):
            raise PreconditionError(
                _("It was changed since you read it. Read it again, then decide.")
            )
        sent = ChoicesSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        named = sent.validated_data["preferences"]
        wanted = {(one["kind"], one["channel"]): one["is_on"] for one in named}
        _check(user, wanted)
        choose_for(user, wanted, actor=user_actor(request.user))
        return Response(_shown(user))

    def _person(self, uuid: UUID) -> User:
        people = within_limits(self.request.user, User.objects.filter(is_visitor=False))
        return get_object_or_404(people, uuid=uuid)


def _check(user: User, wanted: dict[tuple[str, str], bool]) -> None:
    strange = sorted(set(wanted) - {(one["kind"], one["channel"]) for one in _choices(user)})
    if strange:
        text = _("There is no “%(kind)s” by “%(channel)s” for this person.")
        said = {"kind": strange[0][0], "channel": strange[0][1]}
        raise serializers.ValidationError({"preferences": [text % said]})


def _shown(user: User) -> dict[str, Any]:
    return {"id": str(user.uuid), "preferences": _choices(user)}


def _choices(user: User) -> list[dict[str, Any]]:
    chosen = preferences_of(user)
    kinds = kinds_for(kind_of(current_schema()), is_staff=user.is_staff)
    return [
        {
            "kind": kind.key,
            "channel": channel,
            "is_on": chosen.get((kind.key, channel), channel in kind.channels),
            "title": str(kind.title),
            "is_default": (kind.key, channel) not in chosen,
        }
        for kind in kinds
        for channel in channels_for(user)
        if channel in kind.offered
    ]
