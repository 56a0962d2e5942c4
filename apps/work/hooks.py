"""What of this database's own tables is past its time, or goes with a schema."""

from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django_q.models import Task

from apps.tenancy.models import SchemaTemplate
from apps.tenancy.templates import when_dropped
from apps.work.constants import KEPT_DAYS
from apps.work.models import Due, Mark, Signal
from apps.work.registry import forgets


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
