"""How subscribers and services are shown, and what may be sent."""

from typing import Any, ClassVar

from rest_framework import serializers

from apps.core.api.labels import Labels, MetadataField, Shown
from apps.core.api.serializers import ModelSerializer
from apps.subscribers.models import Service, ServiceAddress, Subscriber

_BEFORE_SERVICE = [
    choice
    for choice in Subscriber.Status.choices
    if choice[0] in (Subscriber.Status.LEAD, Subscriber.Status.QUALIFIED)
]


class AddressSerializer(ModelSerializer[ServiceAddress]):
    """Where services are delivered."""

    class Meta:
        model = ServiceAddress
        fields = ("street", "postcode", "city", "country", "lat", "lon")


class SubscriberSerializer(Shown):
    """A subscriber with the addresses."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    # Empty where there is none, so it is not described as an address.
    email = serializers.CharField(read_only=True)
    addresses = AddressSerializer(many=True, read_only=True)
    has_portal_access = serializers.SerializerMethodField()

    class Meta:
        model = Subscriber
        fields = (
            "id",
            "number",
            "name",
            "email",
            "phone",
            "status",
            "external_id",
            "language",
            "has_portal_access",
            "addresses",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields

    def get_has_portal_access(self, subscriber: Subscriber) -> bool:
        """Whether there is a log-in for the portal."""
        return subscriber.user_id is not None


class ChangesSerializer(ModelSerializer[Subscriber]):
    """What can change of a subscriber; what is left out stays."""

    metadata = MetadataField(required=False)

    class Meta:
        model = Subscriber
        fields: tuple[str, ...] = (
            "name",
            "email",
            "phone",
            "external_id",
            "language",
            "metadata",
        )
        # The service says what is taken, in one way for pages and programs.
        extra_kwargs: ClassVar[dict[str, Any]] = {"external_id": {"validators": []}}


class NewSubscriberSerializer(ModelSerializer[Subscriber]):
    """A subscriber to add; without a number one is drawn."""

    status = serializers.ChoiceField(choices=_BEFORE_SERVICE, required=False)
    number = serializers.CharField(max_length=20, required=False, allow_blank=True)
    address = AddressSerializer(required=False)
    metadata = MetadataField(required=False)

    class Meta:
        model = Subscriber
        fields = (*ChangesSerializer.Meta.fields, "number", "status", "address")
        extra_kwargs = ChangesSerializer.Meta.extra_kwargs


class ServiceSerializer(Shown):
    """A service: which plan, for whom, where, and how it stands."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    subscriber = serializers.UUIDField(source="subscriber.uuid", read_only=True)
    plan = serializers.CharField(source="plan_version.plan.key", read_only=True)
    plan_version = serializers.UUIDField(source="plan_version.uuid", read_only=True)
    address = AddressSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Service
        fields = (
            "id",
            "subscriber",
            "plan",
            "plan_version",
            "username",
            "status",
            "suspension",
            "address",
            "created_at",
            "updated_at",
            "activated_at",
            "suspended_at",
            "terminated_at",
        )
        read_only_fields = fields


class NewServiceSerializer(Labels):
    """A service to add, as a draft, in the newest version of a plan."""

    subscriber = serializers.UUIDField(help_text="The subscriber's id.")
    plan = serializers.CharField(max_length=40, help_text="The plan's key.")
    username = serializers.CharField(max_length=64, required=False, default="", allow_blank=True)


class SuspendSerializer(serializers.Serializer[Any]):
    """Why a service is suspended."""

    reason = serializers.ChoiceField(choices=Service.Suspension.choices)


class TerminateSerializer(serializers.Serializer[Any]):
    """Why a service ends, for the record."""

    reason = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
