"""Subscribers over the API."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.personal_api import OPERATION, ErasureSerializer, check_confirmed, give_out
from apps.accounts.personal_kinds import long_work
from apps.core.personal import SUBSCRIBER
from apps.subscribers import services
from apps.subscribers.access import give_portal_access
from apps.subscribers.api.bulk import BulkUpsert
from apps.subscribers.api.serializers import (
    ChangesSerializer,
    NewSubscriberSerializer,
    SubscriberSerializer,
)
from apps.subscribers.models import Subscriber
from apps.subscribers.personal import PERMISSION

_EXAMPLE = OpenApiExample(
    "A subscriber",
    {
        "id": "1d7e1d0e-6f2c-4c7e-8b0a-2f6c6b7a9d33",
        "number": "S-000042",
        "name": "Dora Diaz",
        "email": "dora@example.com",
        "phone": "",
        "status": "active",
        "external_id": "crm-17",
        "language": "",
        "has_portal_access": True,
        "addresses": [
            {
                "street": "1 Main Street",
                "postcode": "10115",
                "city": "Berlin",
                "country": "DE",
                "lat": None,
                "lon": None,
            }
        ],
        "created_at": "2026-01-31T09:00:00Z",
        "metadata": {"tier": "gold"},
        "updated_at": "2026-02-02T14:30:00Z",
    },
    response_only=True,
)


class SubscriberFilter(django_filters.FilterSet):
    """Which subscribers are listed."""

    search = django_filters.CharFilter(
        method="by_text", help_text="E-mail, telephone, number, user name or name."
    )

    class Meta:
        model = Subscriber
        fields = ("status", "number", "external_id", "email")

    def by_text(self, rows: Any, _name: str, text: str) -> Any:
        """As the search of the pages does."""
        return rows.search(text)


@extend_schema_view(
    list=extend_schema(examples=[_EXAMPLE]), retrieve=extend_schema(examples=[_EXAMPLE])
)
class SubscriberViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, BulkUpsert):
    """Customers of the ISP. They are archived, never deleted."""

    access = "subscribers"
    permissions: ClassVar = {
        "archive": "subscribers.end",
        "erase": PERMISSION,
        "personal_data": PERMISSION,
        "export_personal_data": PERMISSION,
    }
    serializer_class = SubscriberSerializer
    queryset = Subscriber.objects.all()
    filterset_class = SubscriberFilter

    def get_queryset(self) -> QuerySet[Subscriber]:
        """Those whom the key's owner may see, with their addresses."""
        rows = Subscriber.objects.visible_to(self.request.user)
        return rows.prefetch_related("addresses")

    @extend_schema(request=NewSubscriberSerializer, responses={201: SubscriberSerializer})
    def create(self, request: Request) -> Response:
        """Add a subscriber; 409 when the number or reference is taken."""
        values = self.checked(NewSubscriberSerializer)
        subscriber = services.create_subscriber(actor=self.actor, **values)
        return self.shown(subscriber, status=201)

    @extend_schema(request=ChangesSerializer, responses={200: SubscriberSerializer})
    def partial_update(self, request: Request, uuid: UUID) -> Response:
        """Change name, e-mail, telephone, reference, language or metadata."""
        subscriber = self.get_object()
        values = self.checked(ChangesSerializer, subscriber)
        services.update_subscriber(subscriber, actor=self.actor, **values)
        return self.shown(subscriber)

    @extend_schema(request=None, responses={200: SubscriberSerializer})
    @action(detail=True, methods=["post"])
    def archive(self, request: Request, uuid: UUID) -> Response:
        """Put a subscriber away; 409 while a service is open."""
        return self._step(services.archive_subscriber)

    @extend_schema(request=None, responses={200: SubscriberSerializer})
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, uuid: UUID) -> Response:
        """Take an archived subscriber out again."""
        return self._step(services.restore_subscriber)

    @extend_schema(request=None, responses={200: SubscriberSerializer})
    @action(detail=True, methods=["post"])
    def invite(self, request: Request, uuid: UUID) -> Response:
        """Make a log-in for the portal and send an invitation by e-mail, again if asked again.

        409 within a minute, where the address is suppressed, or once the day's quota of mails is
        used up (`quota_exceeded`).
        """
        return self._step(give_portal_access)

    @extend_schema(request=None, responses={200: OpenApiTypes.OBJECT})
    @action(detail=True, methods=["get"], url_path="personal-data")
    def personal_data(self, request: Request, uuid: UUID) -> Response:
        """The newest file of every row about a subscriber; 404 where none is kept."""
        row = self.get_object()
        return Response(give_out(SUBSCRIBER, row, actor=self.actor))

    @extend_schema(request=None, responses={202: OPERATION})
    @personal_data.mapping.post
    def export_personal_data(self, request: Request, uuid: UUID) -> Response:
        """Have every row about a subscriber and the events that name them written into a file.

        It has no secrets, is taken by GET, and kept for seven days.
        """
        row = self.get_object()
        return long_work().accepted(long_work().export(SUBSCRIBER, row, actor=self.actor))

    @extend_schema(request=ErasureSerializer, responses={202: OPERATION})
    @action(detail=True, methods=["post"])
    def erase(self, request: Request, uuid: UUID) -> Response:
        """Take the person out for good; 409 while a service is open. `confirm` is their number.

        They can do nothing more from now on; the operation tells how far the rest is.
        """
        row = self.get_object()
        check_confirmed(self.checked(ErasureSerializer), row.number)
        return long_work().accepted(long_work().erase(SUBSCRIBER, row, actor=self.actor))

    def _step(self, step: Callable[..., object]) -> Response:
        row = self.get_object()
        step(row, actor=self.actor)
        return self.shown(row)
