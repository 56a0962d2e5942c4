"""Many subscribers in one request."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.resources import Resource
from apps.core.api.labels import MetadataField
from apps.core.api.problems import flatten
from apps.core.api.serializers import ModelSerializer
from apps.subscribers import upserting
from apps.subscribers.api.serializers import ChangesSerializer
from apps.subscribers.models import Subscriber
from apps.subscribers.upserting import MOST_ROWS, Outcome

_RESULTS = (upserting.CREATED, upserting.UPDATED, upserting.UNCHANGED, upserting.ERROR)


class RowSerializer(ModelSerializer[Subscriber]):
    """A subscriber by reference or number; what is left out stays as it is."""

    number = serializers.CharField(max_length=20, required=False, allow_blank=True)
    metadata = MetadataField(required=False)

    class Meta:
        model = Subscriber
        fields = (*ChangesSerializer.Meta.fields, "number")
        extra_kwargs = {**ChangesSerializer.Meta.extra_kwargs, "name": {"required": False}}


class BulkSerializer(serializers.Serializer[Any]):
    """Rows to bring in. Each stands for itself: one in error leaves the others alone."""

    subscribers = serializers.ListField(
        child=serializers.DictField(), min_length=1, max_length=MOST_ROWS
    )


class BulkRequestSerializer(serializers.Serializer[Any]):
    """How BulkSerializer's rows look, for the document."""

    subscribers = RowSerializer(many=True)


class RowErrorSerializer(serializers.Serializer[Any]):
    """What is wrong with a field."""

    field = serializers.CharField()
    message = serializers.CharField()


class RowResultSerializer(serializers.Serializer[Any]):
    """What became of a row, counted from 0."""

    row = serializers.IntegerField()
    result = serializers.ChoiceField(choices=_RESULTS)
    id = serializers.UUIDField(allow_null=True)
    number = serializers.CharField(allow_null=True)
    errors = RowErrorSerializer(many=True)  # type: ignore[assignment]


class BulkResultSerializer(serializers.Serializer[Any]):
    """How many rows became what, and each row's own result."""

    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    error = serializers.IntegerField()
    results = RowResultSerializer(many=True)


class BulkUpsert(Resource):
    """Adds the bulk request to a viewset of subscribers."""

    @extend_schema(
        request=BulkRequestSerializer,
        responses={200: BulkResultSerializer},
        examples=[
            OpenApiExample(
                "Two customers of a CRM",
                {
                    "subscribers": [
                        {"external_id": "crm-17", "name": "Dora Diaz"},
                        {"external_id": "crm-18", "name": "Emil Eze", "phone": "+1 555 0100"},
                    ]
                },
                request_only=True,
            )
        ],
    )
    @action(detail=False, methods=["post"])
    def bulk(self, request: Request) -> Response:
        """Add or change up to 1,000 subscribers by `external_id` or `number`, each for itself."""
        rows = [_checked(row) for row in self.checked(BulkSerializer)["subscribers"]]
        outcomes = upserting.upsert_subscribers(rows, actor=self.actor)
        counts = dict.fromkeys(_RESULTS, 0)
        for outcome in outcomes:
            counts[outcome.result] += 1
        results = [_shown(row, outcome) for row, outcome in enumerate(outcomes)]
        return Response({**counts, "results": results})


def _checked(row: dict[str, Any]) -> dict[str, Any] | Outcome:
    asked = RowSerializer(data=row)
    if asked.is_valid():
        return dict(asked.validated_data)
    return Outcome(upserting.ERROR, errors=flatten(asked.errors))


def _shown(row: int, outcome: Outcome) -> dict[str, Any]:
    subscriber: Subscriber | None = outcome.subscriber
    return {
        "row": row,
        "result": outcome.result,
        "id": str(subscriber.uuid) if subscriber else None,
        "number": subscriber.number if subscriber else None,
        "errors": outcome.errors,
    }
