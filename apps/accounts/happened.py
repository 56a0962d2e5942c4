"""What happened, over the API, for programs that follow the log instead of being called."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, serializers

from apps.accounts.exceptions import EventsGoneError
from apps.accounts.resources import Resource
from apps.core.api.pages import CursorPages
from apps.core.exceptions import DomainError
from apps.events.envelopes import envelope
from apps.events.models import Event

KEPT = timedelta(days=30)
# An event may be sealed so many behind one that is younger.
_UNTIDY = 1000
_EXAMPLE = OpenApiExample(
    "A subscriber was made",
    {
        "id": "5c0f4d0a-1d8f-4a8e-9a53-0d5c1c2b7a10",
        "type": "subscriber.created",
        "timestamp": "2026-01-31T09:00:00.000000Z",
        "sequence": 4711,
        "actor": {
            "type": "user",
            "id": "0b0f7c5e-9d0a-4b57-8f41-0d1a4c6a7e11",
            "label": "alice@acme.example",
        },
        "subject": {
            "type": "subscriber",
            "id": "1d7e1d0e-6f2c-4c7e-8b0a-2f6c6b7a9d33",
            "label": "Dora Diaz",
        },
        "data": {"number": "1001"},
    },
    response_only=True,
)


class PartySerializer(serializers.Serializer[Any]):
    """Who did it, or what it was about."""

    type = serializers.CharField()
    id = serializers.CharField(allow_blank=True)
    label = serializers.CharField(allow_blank=True)  # type: ignore[assignment]


class EventSerializer(serializers.Serializer[Event]):
    """Something that happened, in the envelope that webhooks bring."""

    id = serializers.UUIDField()
    type = serializers.CharField(help_text="What happened, as `subscriber.created`.")
    timestamp = serializers.DateTimeField()
    sequence = serializers.IntegerField(help_text="Its number in the log, without gaps.")
    actor = PartySerializer()
    subject = PartySerializer()
    data = serializers.DictField()  # type: ignore[assignment]

    def to_representation(self, instance: Event) -> dict[str, Any]:
        """The envelope."""
        return envelope(instance)


class EventPages(CursorPages):
    """Oldest first, since they are followed."""

    ordering = "seal_no"


class EventFilter(django_filters.FilterSet):
    """Which events are listed."""

    after = django_filters.UUIDFilter(
        method="follow",
        help_text="The id of the last event that you have; only what came after it is listed.",
    )

    class Meta:
        model = Event
        fields = ("type", "subject_type", "subject_id")

    def follow(self, events: QuerySet[Event], _name: str, last: UUID) -> QuerySet[Event]:
        """From the next one on."""
        found = Event.objects.filter(uuid=last).values_list("seal_no", "at").first()
        if found is None:
            raise DomainError(_("There is no event with this id."), field="after")
        number, at = found
        if at < timezone.now() - KEPT:
            raise EventsGoneError(
                _(
                    "This event is older than 30 days, so others may be missed. Read the resources"
                    " anew, then follow the events from their beginning."
                ),
                field="after",
            )
        # One that was not listed yet has nothing after it.
        return events.none() if number is None else events.filter(seal_no__gt=number)


@extend_schema_view(list=extend_schema(examples=[_EXAMPLE]))
class EventViewSet(mixins.ListModelMixin, Resource):
    """What happened in the last 30 days, oldest first, in an order that never changes.

    Follow `next` until it is null; then ask with `after`, the id of the last event that you have.
    """

    access = "events"
    serializer_class = EventSerializer
    queryset = Event.objects.all()
    filterset_class = EventFilter
    pagination_class = EventPages
    # They have one order, and are followed by `after`.
    ordering_fields: tuple[str, ...] = ()
    changed_fields = ("at",)

    def get_queryset(self) -> QuerySet[Event]:
        """Those whose place in the log is settled."""
        recent = Event.objects.filter(seal_no__isnull=False, at__gte=timezone.now() - KEPT)
        # By time alone the whole log before them would be walked, as its order is of numbers.
        oldest = recent.order_by("at", "id").values_list("seal_no", flat=True).first()
        return recent.filter(seal_no__gt=oldest - _UNTIDY) if oldest is not None else recent
