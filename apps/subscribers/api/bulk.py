"""Many subscribers in one request."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.resources import Resource
from apps.core.api.bulk import OutcomeSerializer, OutcomesSerializer, batch_of, results_of
from apps.core.api.labels import MetadataField
from apps.core.api.problems import flatten
from apps.core.api.serializers import ModelSerializer
from apps.core.upserting import ERROR, Outcome
from apps.subscribers import upserting
from apps.subscribers.api.serializers import ChangesSerializer
from apps.subscribers.models import Subscriber


class RowSerializer(ModelSerializer[Subscriber]):
    """A subscriber by reference or number; what is left out stays as it is."""

    number = serializers.CharField(max_length=20, required=False, allow_blank=True)
    metadata = MetadataField(required=False)

    class Meta:
        model = Subscriber
        fields = (*ChangesSerializer.Meta.fields, "number")
        extra_kwargs = {**ChangesSerializer.Meta.extra_kwargs, "name": {"required": False}}


class BulkRequestSerializer(serializers.Serializer[Any]):
    """Rows to bring in. Each stands for itself: one in error leaves the others alone."""

    subscribers = RowSerializer(many=True)


class RowResultSerializer(OutcomeSerializer):
    """What became of a row, counted from 0."""

    number = serializers.CharField(allow_null=True)


class BulkResultSerializer(OutcomesSerializer):
    """How many rows became what, and each row's own result."""

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
        rows = [_checked(row) for row in self.checked(batch_of("subscribers"))["subscribers"]]
        outcomes = upserting.upsert_subscribers(rows, actor=self.actor)
        answer = results_of(outcomes)
        for shown, outcome in zip(answer["results"], outcomes, strict=True):
            shown["number"] = outcome.row.number if outcome.row else None
        return Response(answer)


def _checked(row: dict[str, Any]) -> dict[str, Any] | Outcome:
    asked = RowSerializer(data=row)
    if asked.is_valid():
        return dict(asked.validated_data)
    return Outcome(ERROR, errors=flatten(asked.errors))
