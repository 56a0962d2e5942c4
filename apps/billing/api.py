"""Plans and their versions over the API: what the operator or the ISP sells."""

from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.bulk_api import BulkUpsert
from apps.accounts.resources import LabelledResource
from apps.billing import services
from apps.billing.models import Plan, PlanVersion
from apps.billing.money import decimal_string, major_amount, minor_digits, minor_units
from apps.core.api.bulk import described_bulk
from apps.core.api.labels import Labels, Shown
from apps.core.api.serializers import ModelSerializer

_VERSION = {
    "id": "6e1d3a3f-0c43-4a0e-9a0c-0f0e6d4f7b52",
    "number": 1,
    "currency": "USD",
    "price": "39.00",
    "price_per_subscriber": "0",
    "period": "month",
    "trial_days": 0,
    "entitlements": {"down_kbps": 100000, "up_kbps": 50000},
    "published_at": "2026-01-31T09:00:00Z",
}
_PLAN = {
    "id": "c0a8a1e6-52c8-4a7b-9c0e-6a3b7f3f6b10",
    "key": "fiber-100",
    "name": "Fiber 100",
    "description": "",
    "included": "",
    "is_offered": True,
    "is_highlighted": False,
    "position": 0,
    "created_at": "2026-01-31T09:00:00Z",
    "external_id": "crm-fiber-100",
    "metadata": {},
    "updated_at": "2026-01-31T09:00:00Z",
}


class PlanSerializer(Shown):
    """A plan; its prices are in its versions."""

    id = serializers.UUIDField(source="uuid", read_only=True)

    class Meta:
        model = Plan
        fields = (
            "id",
            "key",
            "name",
            "description",
            "included",
            "is_offered",
            "is_highlighted",
            "position",
            "created_at",
        )
        read_only_fields = fields


class NewPlanSerializer(Labels, ModelSerializer[Plan]):
    """A plan to make."""

    class Meta:
        model = Plan
        fields = (
            "key",
            "name",
            "description",
            "included",
            "is_offered",
            "is_highlighted",
            "position",
        )
        # The service says what is taken, in one way for pages and programs.
        extra_kwargs: ClassVar[dict[str, Any]] = {"key": {"validators": []}}


class PlanChangesSerializer(Labels, ModelSerializer[Plan]):
    """What can change of a plan: how it is shown, and whether it is offered."""

    class Meta:
        model = Plan
        fields = (
            "name",
            "description",
            "included",
            "is_offered",
            "is_highlighted",
            "position",
        )


class PlanVersionSerializer(ModelSerializer[PlanVersion]):
    """What a plan cost and entitled to when it was sold. Prices are decimal strings."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    price = serializers.SerializerMethodField()
    price_per_subscriber = serializers.SerializerMethodField()
    entitlements = serializers.DictField(read_only=True)

    class Meta:
        model = PlanVersion
        fields = (
            "id",
            "number",
            "currency",
            "price",
            "price_per_subscriber",
            "period",
            "trial_days",
            "entitlements",
            "published_at",
        )
        read_only_fields = fields

    def get_price(self, version: PlanVersion) -> str:
        """The price of a period, in the currency's major unit."""
        return decimal_string(version.flat_minor, version.currency)

    def get_price_per_subscriber(self, version: PlanVersion) -> str:
        """The price of each active subscriber, which may be finer than the currency."""
        amount = major_amount(version.per_subscriber_minor, version.currency).normalize()
        return f"{amount:f}"


class NewVersionSerializer(serializers.Serializer[Any]):
    """A price and entitlements to sell from now on."""

    currency = serializers.CharField(max_length=3)
    price = serializers.DecimalField(max_digits=15, decimal_places=3, min_value=Decimal(0))
    price_per_subscriber = serializers.DecimalField(
        max_digits=18, decimal_places=9, min_value=Decimal(0), required=False, default=Decimal(0)
    )
    period = serializers.ChoiceField(
        choices=PlanVersion.Period.choices, required=False, default=PlanVersion.Period.MONTH
    )
    trial_days = serializers.IntegerField(min_value=0, max_value=3650, required=False, default=0)
    entitlements = serializers.DictField(required=False, default=dict)


@extend_schema_view(
    list=extend_schema(examples=[OpenApiExample("A plan", _PLAN, response_only=True)]),
    retrieve=extend_schema(examples=[OpenApiExample("A plan", _PLAN, response_only=True)]),
    bulk=described_bulk(
        "plans",
        NewPlanSerializer,
        {"key": "fiber-100", "name": "Fiber 100", "position": 1},
        {"key": "fiber-500", "is_offered": False},
    ),
)
class PlanViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, BulkUpsert, LabelledResource):
    """Plans: what is sold here. A version never changes; publish another one instead."""

    access = "plans"
    serializer_class = PlanSerializer
    queryset = Plan.objects.all()
    filterset_fields = ("key", "is_offered")
    bulk_name, bulk_keys = "plans", ("external_id", "key")
    new_row, changed_row = NewPlanSerializer, PlanChangesSerializer

    @extend_schema(request=NewPlanSerializer, responses={201: PlanSerializer})
    def create(self, request: Request) -> Response:
        """Make a plan, which is sold once it has a version."""
        return self.shown(self.add(self.checked(NewPlanSerializer)), 201)

    def add(self, values: dict[str, Any]) -> Plan:
        """Without a version yet."""
        plan = services.create_plan(actor=self.actor, **values)
        self.label(plan)
        return plan

    @extend_schema(request=PlanChangesSerializer, responses={200: PlanSerializer})
    def partial_update(self, request: Request, uuid: UUID) -> Response:
        """Change how a plan is shown and whether it is offered."""
        plan = self.get_object()
        self.change(plan, self.checked(PlanChangesSerializer, plan))
        return self.shown(plan)

    def change(self, row: Plan, values: dict[str, Any]) -> None:
        """How it is shown, and the labels."""
        services.update_plan(row, actor=self.actor, **values)
        self.label(row)

    @extend_schema(
        responses={200: PlanVersionSerializer(many=True)},
        examples=[OpenApiExample("A version", _VERSION, response_only=True)],
    )
    @action(detail=True, filter_backends=())
    def versions(self, request: Request, uuid: UUID) -> Response:
        """The plan's versions, newest first."""
        versions: QuerySet[PlanVersion] = self.get_object().versions.all()
        page = self.paginate_queryset(versions)
        return self.get_paginated_response(PlanVersionSerializer(page, many=True).data)

    @extend_schema(request=NewVersionSerializer, responses={201: PlanVersionSerializer})
    @versions.mapping.post
    def publish(self, request: Request, uuid: UUID) -> Response:
        """Publish a version, which new customers get from now on."""
        plan = self.get_object()
        version = services.publish_version(
            plan, _terms(self.checked(NewVersionSerializer)), actor=self.actor
        )
        return Response(PlanVersionSerializer(version).data, status=201)


def _terms(values: dict[str, Any]) -> services.Terms:
    currency = values["currency"]
    return services.Terms(
        currency=currency,
        flat_minor=minor_units(values["price"], currency),
        per_subscriber_minor=values["price_per_subscriber"].scaleb(minor_digits(currency)),
        period=values["period"],
        trial_days=values["trial_days"],
        entitlements=values["entitlements"],
    )
