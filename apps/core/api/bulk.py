"""Many rows in one request: what comes, and what is answered."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema, inline_serializer
from rest_framework import serializers

from apps.core.upserting import MOST_ROWS, RESULTS, Outcome


class RowErrorSerializer(serializers.Serializer[Any]):
    """What is wrong with a field."""

    field = serializers.CharField()
    message = serializers.CharField()


class OutcomeSerializer(serializers.Serializer[Any]):
    """What became of a row, counted from 0."""

    row = serializers.IntegerField()
    result = serializers.ChoiceField(choices=RESULTS)
    id = serializers.CharField(allow_null=True, help_text="By which it is asked for.")
    errors = RowErrorSerializer(many=True)  # type: ignore[assignment]


class OutcomesSerializer(serializers.Serializer[Any]):
    """How many rows became what, and each row's own result."""

    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    error = serializers.IntegerField()
    results = OutcomeSerializer(many=True)


def batch_of(name: str) -> type[serializers.Serializer[Any]]:
    """Rows to bring in under a name. Each stands for itself: one in error leaves the others."""
    rows = serializers.ListField(child=serializers.DictField(), min_length=1, max_length=MOST_ROWS)
    return type("Batch", (serializers.Serializer,), {name: rows})


def described_bulk(
    name: str, row: type[serializers.Serializer[Any]], *examples: dict[str, Any]
) -> Any:
    """The document of a bulk request, whose rows look like `row` with nothing that must be."""
    fields: dict[str, Any] = {name: row(many=True, partial=True)}
    label = "".join(word.capitalize() for word in name.split("_"))
    return extend_schema(
        request=inline_serializer(f"{label}Bulk", fields=fields),
        responses={200: OutcomesSerializer},
        examples=[OpenApiExample("Two rows", {name: list(examples)}, request_only=True)],
    )


def results_of(outcomes: Sequence[Outcome], name: str = "uuid") -> dict[str, Any]:
    """The answer: counts, and what became of each row, by the field that names it."""
    counts = dict.fromkeys(RESULTS, 0)
    for outcome in outcomes:
        counts[outcome.result] += 1
    return {**counts, "results": [_shown(at, outcome, name) for at, outcome in enumerate(outcomes)]}


def _shown(at: int, outcome: Outcome, name: str) -> dict[str, Any]:
    return {
        "row": at,
        "result": outcome.result,
        "id": str(getattr(outcome.row, name)) if outcome.row else None,
        "errors": outcome.errors,
    }
