"""Services of subscribers over the API."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.bulk_api import BulkUpsert
from apps.accounts.resources import LabelledResource
from apps.billing.services import newest_version_of
from apps.core.api.bulk import described_bulk
from apps.core.api.labels import Labels
from apps.core.exceptions import DomainError
from apps.subscribers import services
from apps.subscribers.api.serializers import (
    NewServiceSerializer,
    ServiceSerializer,
    SuspendSerializer,
    TerminateSerializer,
)
from apps.subscribers.models import Service, Subscriber

_EXAMPLE = OpenApiExample(
    "A service",
    {
        "id": "8a3f6a1e-1b1d-4e58-9a57-3f0f2f1f8c21",
        "subscriber": "1d7e1d0e-6f2c-4c7e-8b0a-2f6c6b7a9d33",
        "plan": "fiber-100",
        "plan_version": "6e1d3a3f-0c43-4a0e-9a0c-0f0e6d4f7b52",
        "username": "dora",
        "status": "suspended",
        "suspension": "nonpayment",
        "address": None,
        "created_at": "2026-01-31T09:00:00Z",
        "external_id": "",
        "metadata": {},
        "updated_at": "2026-04-15T06:00:00Z",
        "activated_at": "2026-02-02T14:30:00Z",
        "suspended_at": "2026-04-15T06:00:00Z",
        "terminated_at": None,
    },
    response_only=True,
)


class ServiceFilter(django_filters.FilterSet):
    """Which services are listed."""

    subscriber = django_filters.UUIDFilter(field_name="subscriber__uuid")
    plan = django_filters.CharFilter(field_name="plan_version__plan__key")

    class Meta:
        model = Service
        fields = ("status", "suspension", "username")


@extend_schema_view(
    list=extend_schema(examples=[_EXAMPLE]),
    retrieve=extend_schema(examples=[_EXAMPLE]),
    bulk=described_bulk(
        "services",
        NewServiceSerializer,
        {
            "external_id": "crm-s-17",
            "subscriber": "1d7e1d0e-6f2c-4c7e-8b0a-2f6c6b7a9d33",
            "plan": "fiber-100",
            "username": "dora",
        },
        {"external_id": "crm-s-18", "metadata": {"router": "r-204"}},
    ),
)
class ServiceViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, BulkUpsert, LabelledResource
):
    """What subscribers have from the ISP. A service begins as a draft and is led by its steps.

    In bulk, new ones are added and the labels of those that are there are changed.
    """

    access = "services"
    permissions: ClassVar = {
        "suspend": "subscribers.suspend",
        "resume": "subscribers.suspend",
        "terminate": "subscribers.end",
    }
    serializer_class = ServiceSerializer
    queryset = Service.objects.all()
    filterset_class = ServiceFilter
    bulk_name, bulk_keys = "services", ("external_id", "username")
    new_row, changed_row = NewServiceSerializer, Labels

    def get_queryset(self) -> QuerySet[Service]:
        """Those whom the key's owner may see, with what is shown of them."""
        rows = Service.objects.visible_to(self.request.user)
        return rows.select_related("subscriber", "plan_version__plan", "address")

    @extend_schema(request=NewServiceSerializer, responses={201: ServiceSerializer})
    def create(self, request: Request) -> Response:
        """Add a service as a draft; 409 when the user name is taken."""
        return self.shown(self.add(self.checked(NewServiceSerializer)), 201)

    def add(self, values: dict[str, Any]) -> Service:
        """As a draft in the newest version of the plan."""
        service = services.add_service(
            self._subscriber(values["subscriber"]),
            plan_version=newest_version_of(values["plan"]),
            username=values["username"],
            actor=self.actor,
        )
        self.label(service)
        return service

    def change(self, row: Service, values: dict[str, Any]) -> None:
        """Only its labels: the rest is led by its steps."""
        self.label(row)

    @extend_schema(request=None, responses={200: ServiceSerializer})
    @action(detail=True, methods=["post"])
    def order(self, request: Request, uuid: UUID) -> Response:
        """A draft was ordered: it waits for its installation."""
        return self._step(services.schedule_installation)

    @extend_schema(request=None, responses={200: ServiceSerializer})
    @action(detail=True, methods=["post"])
    def activate(self, request: Request, uuid: UUID) -> Response:
        """Begin to deliver it; its subscriber becomes active with it."""
        return self._step(services.activate_service)

    @extend_schema(request=SuspendSerializer, responses={200: ServiceSerializer})
    @action(detail=True, methods=["post"])
    def suspend(self, request: Request, uuid: UUID) -> Response:
        """Stop delivering it and keep it."""
        return self._step(services.suspend_service, **self.checked(SuspendSerializer))

    @extend_schema(request=None, responses={200: ServiceSerializer})
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, uuid: UUID) -> Response:
        """Deliver a suspended service again."""
        return self._step(services.resume_service)

    @extend_schema(request=TerminateSerializer, responses={200: ServiceSerializer})
    @action(detail=True, methods=["post"])
    def terminate(self, request: Request, uuid: UUID) -> Response:
        """End it for good; a subscriber whose last one it was becomes inactive."""
        return self._step(services.terminate_service, **self.checked(TerminateSerializer))

    def _step(self, step: Callable[..., object], **values: str) -> Response:
        row = self.get_object()
        step(row, actor=self.actor, **values)
        return self.shown(row)

    def _subscriber(self, uuid: UUID) -> Subscriber:
        found: Subscriber | None = (
            Subscriber.objects.visible_to(self.request.user).filter(uuid=uuid).first()
        )
        if found is None:
            raise DomainError(_("There is no such subscriber."), field="subscriber")
        return found
