"""Deleting what is past its time in every schema: sessions, tokens, deliveries.

It is the one work that goes over all schemas: nobody has to look for it, and each takes some
statements. What is long, as after a release that adds a table to it, goes batch by batch.
"""

from typing import Any

import structlog
from django.db import Error, connection
from django.db.models import QuerySet
from django.utils.translation import gettext, gettext_noop

from apps.tenancy.kinds import PUBLIC, app_labels, kind_of, operator, schema_exists, schema_of
from apps.tenancy.models import Tenant
from apps.work import services
from apps.work.leases import Lease
from apps.work.models import Due
from apps.work.registry import Detail, cleaners, past_rows, runs, shows
from apps.work.words import words

log = structlog.get_logger(__name__)
KIND, SUBJECT = "retention", "all"
EVERY_S = 86_400.0
BATCH = 5000
_TITLE = gettext_noop("Delete what is past its time")


def call() -> None:
    """Have it done by a worker now."""
    with operator():
        services.call(KIND, SUBJECT, title=words(_TITLE))


@runs(KIND)
def sweep(lease: Lease) -> None:
    """Go over all schemas; one that cannot be read is left to the next day, and to the log."""
    schemas = _schemas()
    for number, schema in enumerate(schemas):
        lease.assert_held()
        try:
            deleted = forget_in(schema)
        except Error:
            log.exception("retention_failed", schema=schema)
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
        else:
            log.info("forgotten", schema=schema, rows=deleted)
        services.note_progress(lease, 100 * (number + 1) // len(schemas))
    with lease.atomic():
        services.finish(lease, Due.State.DONE)


def forget_in(schema: str) -> int:
    """Delete what is past its time in one schema; returns how many rows that were."""
    here = app_labels(kind_of(schema))
    with schema_of(schema):
        for clean in cleaners():
            clean()
        return sum(_forget(rows) for rows in past_rows() if rows.model._meta.app_label in here)


def _forget(rows: QuerySet[Any]) -> int:
    total, some = 0, BATCH
    while some == BATCH:
        batch = rows.model._base_manager.filter(pk__in=rows.order_by("pk").values("pk")[:BATCH])
        some = batch.delete()[1].get(rows.model._meta.label, 0)
        total += some
    return total


def _schemas() -> list[str]:
    rows = Tenant.objects.filter(is_local=True).exclude(schema_name=PUBLIC)
    found = rows.order_by("schema_name").values_list("schema_name", flat=True)
    return [PUBLIC, *filter(schema_exists, found)]


def _context(_subject: str) -> dict[str, Any]:
    return {
        "operation": {
            "id": SUBJECT,
            "title": gettext(_TITLE),
            "status": "waiting",
            "waiting_for": gettext("Once a day, in every schema: sessions, tokens, deliveries."),
        },
        "steps": [],
    }


def _steer(_subject: str, _what: str, _user: Any) -> str:
    return gettext("It ends by itself, and begins again once a day.")


shows(KIND, Detail(_context, _steer))
