"""Tenants that could not be migrated, kept until they can."""

from collections.abc import Iterable

from django.db.models import F
from django.utils import timezone

from apps.tenancy.kinds import operator
from apps.tenancy.migrating.behind import is_behind
from apps.tenancy.models import FailedMigration

_LENGTH = 2000


def keep_failure(schema: str, error: str) -> None:
    """Note why a schema was not migrated; the page and the next run name it."""
    with operator():
        found, is_new = FailedMigration.objects.get_or_create(
            schema=schema, defaults={"error": error[:_LENGTH], "failed_at": timezone.now()}
        )
        if not is_new:
            FailedMigration.objects.filter(pk=found.pk).update(
                error=error[:_LENGTH], failed_at=timezone.now(), times=F("times") + 1
            )


def is_left_behind(schema: str) -> bool:
    """Whether a schema could not be migrated and lacks what this process needs.

    The release before serves it meanwhile, which needs less. Call it in the operator's schema.
    """
    return FailedMigration.objects.filter(schema=schema).exists() and is_behind(schema)


def forget_failure(schema: str) -> None:
    """It is migrated now."""
    with operator():
        FailedMigration.objects.filter(schema=schema).delete()


def forget_all_but(schemas: Iterable[str]) -> None:
    """Those that were mended by other means, or whose tenant is gone."""
    with operator():
        FailedMigration.objects.exclude(schema__in=list(schemas)).delete()
