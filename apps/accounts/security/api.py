"""The sign-in policy over the API: for owners' programs, as the page is for owners."""

from datetime import datetime

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.security.models import SignInPolicy
from apps.accounts.security.policy import LONGEST_GRACE, policy_in_force
from apps.accounts.security.programs import set_policy_for_program
from apps.accounts.single_api import OnlyOne
from apps.core.api.serializers import ModelSerializer
from apps.events.actors import user_actor


class SignInPolicySerializer(ModelSerializer[SignInPolicy]):
    """Who must sign in with a second factor, and after how many days of grace."""

    id = serializers.SerializerMethodField()
    grace_days = serializers.IntegerField(
        min_value=0,
        max_value=LONGEST_GRACE,
        required=False,
        help_text="Counted from `since`, or from when somebody joined.",
    )

    since = serializers.SerializerMethodField()

    class Meta:
        model = SignInPolicy
        fields = ("id", "who", "grace_days", "since")

    def get_id(self, policy: SignInPolicy) -> str:
        """There is one."""
        return "sign-in-policy"

    def get_since(self, policy: SignInPolicy) -> datetime | None:
        """From when the days of grace count; null while nothing is demanded."""
        return None if policy.who == policy.Who.NOBODY else policy.since


class SignInPolicyView(OnlyOne):
    """What is demanded of those who sign in here."""

    model = "accounts.signinpolicy"
    serializer_class = SignInPolicySerializer

    @extend_schema(responses=SignInPolicySerializer, operation_id="sign_in_policy_retrieve")
    def get(self, request: Request) -> Response:
        """The policy; `off` where nothing is demanded."""
        return self.shown(policy_in_force())

    @extend_schema(
        request=SignInPolicySerializer,
        responses=SignInPolicySerializer,
        operation_id="sign_in_policy_partial_update",
    )
    def patch(self, request: Request) -> Response:
        """Change it; 409 for a demand that no owner meets yet."""
        # Locked before it is compared: nobody changes it between the two.
        SignInPolicy.objects.select_for_update().first()
        row = policy_in_force()
        asked = {"who": row.who, "grace_days": row.grace_days, **self.changed(row)}
        return self.shown(set_policy_for_program(**asked, actor=user_actor(request.user)))
