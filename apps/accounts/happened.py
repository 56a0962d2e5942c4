"""What happened, over the API, for programs that follow the log instead of being called."""

from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.exceptions import EventsGoneError
from apps.accounts.resources import Resource
from apps.core.api.pages import CursorPages
from apps.core.exceptions import DomainError
from apps.events.envelopes import envelope
from apps.events.erasing import CONFIRMATION, erase_person, preview_erasure
from apps.events.models import Event
from apps.events.permissions import ERASE

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

_ERASURE = OpenApiExample(
    "Somebody by address and name",
    {"words": ["dora@example.com", "Dora Diaz"], "confirm": CONFIRMATION},
    request_only=True,
)
_ERASED = OpenApiExample(
    "What went",
    {
        "id": "9b2f3d52-54a4-4a43-b7a9-7f2d4f1d8a10",
        "events": 12,
        "found": [{"type": "subscriber.created", "acted": 0, "about": 12}],
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


class LogErasureSerializer(serializers.Serializer[Any]):
    """Whom to take out of the record."""

    words = serializers.ListField(
        child=serializers.CharField(max_length=254),
        min_length=1,
        max_length=100,
        help_text="Ids, e-mail addresses, full names, numbers; each names one person by itself.",
    )
    confirm = serializers.ChoiceField(
        [CONFIRMATION], help_text="It is never undone. Try it with `dry_run` first."
    )


class FoundSerializer(serializers.Serializer[Any]):
    """Events of a type that were emptied."""

    type = serializers.CharField()
    acted = serializers.IntegerField(help_text="From how many went who did it, and from where.")
    about = serializers.IntegerField(help_text="From how many went what it was about.")


class LogErasedSerializer(serializers.Serializer[Any]):
    """What was erased."""

    id = serializers.UUIDField(help_text="Of the event that tells of it.")
    events = serializers.IntegerField(help_text="In how many events something was emptied.")
    found = FoundSerializer(many=True)


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
    permissions: ClassVar = {"erase": ERASE}
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

    @extend_schema(
        request=LogErasureSerializer,
        responses={200: LogErasedSerializer},
        examples=[_ERASURE, _ERASED],
    )
    @action(detail=False, methods=["post"], filterset_class=None, pagination_class=None)
    def erase(self, request: Request) -> Response:
        """Take a person out of the record by their words; it stays proven, and is never undone."""
        words = self.checked(LogErasureSerializer)["words"]
        found = preview_erasure(words)
        erasure = erase_person(words, actor=self.actor)
        shown = {"id": erasure.uuid, "events": erasure.events, "found": found}
        return Response(LogErasedSerializer(shown).data)
