"""What of this database's own tables is past its time, or goes with a schema."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django_q.models import Task

from apps.tenancy.models import SchemaTemplate
from apps.tenancy.templates import when_dropped
from apps.tenancy.transfer.registry import Arrival, Luggage, brings
from apps.work.constants import KEPT_DAYS, OPEN
from apps.work.models import Due, Mark, Signal
from apps.work.registry import forgets, travelling


@forgets
def _tasks() -> QuerySet[Any]:
    """Wake-ups that failed; what became of the work is in its own row."""
    return Task.objects.filter(stopped__lt=timezone.now() - timedelta(days=KEPT_DAYS))


@forgets
def _templates() -> QuerySet[SchemaTemplate]:
    """Dumps of releases before the present one of their kind."""
    newer = SchemaTemplate.objects.filter(kind=OuterRef("kind"), made_at__gt=OuterRef("made_at"))
    old = SchemaTemplate.objects.filter(made_at__lt=timezone.now() - timedelta(days=KEPT_DAYS))
    return old.filter(Exists(newer))


@when_dropped
def _drop(schema: str) -> None:
    """Its work, its news and the mark of its log: another schema of that name is another log."""
    for model in (Due, Signal, Mark):
        model._default_manager.filter(schema=schema).delete()


_GOES_ON = """
    SELECT kind, subject, title, title_words, due_at FROM "public"."work_due"
    WHERE schema = %s AND kind = ANY(%s) AND state = ANY(%s) ORDER BY created_at, id"""


def _pack(cursor: Any, schema: str) -> list[dict[str, Any]]:
    """What is due of the kinds that go on elsewhere."""
    cursor.execute(_GOES_ON, [schema, travelling(), list(OPEN)])
    return [
        {"kind": kind, "subject": subject, "title": title, "words": words, "due_at": at.isoformat()}
        for kind, subject, title, words, at in cursor.fetchall()
    ]


def _unpack(arrival: Arrival, packed: list[dict[str, Any]] | None) -> None:
    now = timezone.now()
    Due.objects.bulk_create(
        Due(
            schema=arrival.schema,
            kind=one["kind"],
            subject=str(one["subject"])[:80],
            title=str(one["title"])[:200],
            title_words=one["words"],
            due_at=datetime.fromisoformat(one["due_at"]),
            created_at=now,
        )
        for one in packed or []
        if one["kind"] in travelling()
    )


brings("work.due", Luggage(_pack, _unpack))
