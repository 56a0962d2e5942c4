"""What the event log says of one row, as pages show it; the admin keeps no log of its own."""

from typing import Any

from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from apps.events.models import Event

_SHOWN = 100


def event_row(event: Event, *, is_about: bool = False) -> dict[str, Any]:
    """An event as timelines show it; on its subject's own page without the subject's name."""
    about, _dot, words = event.type.partition(".")
    words = _((words or about).replace("_", " "))
    label = event.subject_label or event.subject_type
    return {
        "text": words.capitalize() if is_about else f"{label}: {words}",
        "at": event.at,
        "actor": event.actor_label,
        "tone": "bad" if event.type.endswith("failed") else "idle",
    }


class History:
    """An admin of rows whose “History” is the event log's.

    The framework's own log would keep names of people whom an erasure does not find.
    """

    def log_addition(self, request: HttpRequest, obj: models.Model, message: Any) -> None:
        """The service that adds it tells the event log."""

    def log_change(self, request: HttpRequest, obj: models.Model, message: Any) -> None:
        """The service that changes it tells the event log."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:
        """The service that deletes them tells the event log."""

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """The newest events of the row, for who may see it."""
        row = self.get_object(request, object_id)  # type: ignore[attr-defined]
        found = _events_of(row) if row is not None else Event.objects.none()
        events = [event_row(event, is_about=True) for event in found[:_SHOWN]]
        context = {**(extra_context or {}), "events": events}
        return super().history_view(request, object_id, context)  # type: ignore[misc, no-any-return]


def _events_of(row: models.Model) -> models.QuerySet[Event]:
    ids = [str(row.pk), str(getattr(row, "uuid", row.pk))]
    return Event.objects.filter(subject_type=row._meta.model_name, subject_id__in=ids)
