"""Why an operation ended is read in the reader's language; a worker says it in English."""

import pytest
from django.utils import timezone
from django.utils.translation import override

from apps.operations.models import Operation
from apps.operations.pages import operation_context
from apps.tenancy.kinds import operator


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kept", "french"),
    [
        ("This person is not here any more.", "Cette personne n’est plus ici."),
        ("The engine said: no such image.", "The engine said: no such image."),
        ("", ""),
    ],
)
def test_a_cause_without_values_is_translated_when_it_is_shown(kept: str, french: str) -> None:
    with operator():
        row = Operation.objects.create(
            name="people.erase",
            title="Erase",
            subject_type="user",
            subject_id="1",
            status=Operation.Status.FAILED,
            cause=kept,
            created_at=timezone.now(),
        )
        with override("fr"):
            assert operation_context(row)["operation"]["cause"] == french
        with override("en"):
            assert operation_context(row)["operation"]["cause"] == kept
