"""Many rows of a resource in one request, each as if it had been sent alone."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import DataError, transaction
from django.db.models import Model
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.access import within_limits
from apps.accounts.resources import Resource
from apps.core.api.bulk import batch_of, results_of
from apps.core.api.problems import flatten
from apps.core.exceptions import DomainError
from apps.core.upserting import CREATED, ERROR, UPDATED, Known, Outcome, Values


class BulkUpsert(Resource):
    """Adds the bulk request to a resource whose rows `add` and `change` write one by one.

    What a row does has its own events and its own savepoint, so one in error leaves the others.
    """

    # The name of the rows in the body, and by what each tells which one it means.
    bulk_name: str
    bulk_keys: tuple[str, ...] = ("external_id",)
    new_row: type[serializers.Serializer[Any]]
    # None where nothing of a row can be changed: one that is there stays as it is.
    changed_row: type[serializers.Serializer[Any]] | None = None

    def add(self, values: dict[str, Any]) -> Model:
        """Make a row of checked values."""
        raise NotImplementedError

    def change(self, row: Any, values: dict[str, Any]) -> None:
        """Change a row to checked values."""
        raise NotImplementedError

    @action(detail=False, methods=["post"])
    def bulk(self, request: Request) -> Response:
        """Add or change up to 1,000, each for itself; what a row leaves out stays as it is."""
        batch = self.checked(batch_of(self.bulk_name))[self.bulk_name]
        rows = within_limits(request.user, self.get_queryset())
        known = Known(rows, self.bulk_keys, batch)
        outcomes = [self._upserted(values, known) for values in batch]
        return Response(results_of(outcomes, self.lookup_field))

    def _upserted(self, values: Values, known: Known) -> Outcome:
        outcome = Outcome()
        found = known.find(values, outcome)
        if outcome.result == ERROR:
            return outcome
        try:
            with transaction.atomic():
                outcome.row, outcome.result = self._written(found, values, outcome.result)
        except serializers.ValidationError as error:
            outcome.result, outcome.errors = ERROR, flatten(error.detail)
        except DomainError as error:
            outcome.refuse(error.field, error.message)
        except PermissionDenied as error:
            outcome.refuse("", str(error) or _("You may not do this."))
        except DataError:
            outcome.refuse("", _("A value is outside of what can be stored."))
        return outcome

    def _written(self, found: Any, values: Values, result: str) -> tuple[Model, str]:
        if found is None:
            return self.add(self.checked(self.new_row, data=values)), CREATED
        if self.changed_row is None:
            return found, result
        before = self._state(found)
        self.change(found, self.checked(self.changed_row, found, data=values))
        again = self.get_queryset().get(pk=found.pk)
        return again, result if self._state(again) == before else UPDATED

    def _state(self, row: Model) -> dict[str, Any]:
        shown = self.get_serializer_class()(row, context={"request": self.request}).data
        return {name: value for name, value in shown.items() if name != "updated_at"}
