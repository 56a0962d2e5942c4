"""Filters of the audit pages, whose choices cost the same however long the log is."""

from datetime import datetime, time, timedelta
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.dateparse import parse_date
from django.utils.timezone import make_aware
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter, RangeDateFilter

from apps.events.models import Event

# From one value to the next by the index, instead of reading every row.
_VALUES = """
    WITH RECURSIVE found AS (
        (SELECT {0} AS value FROM events_event ORDER BY {0} LIMIT 1)
        UNION ALL
        SELECT (SELECT {0} FROM events_event WHERE {0} > found.value ORDER BY {0} LIMIT 1)
        FROM found WHERE found.value IS NOT NULL
    )
    SELECT value FROM found WHERE value IS NOT NULL
"""


class _ValueFilter(DropdownFilter):  # type: ignore[misc]
    """One of the values that a column has."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        """Each value as it is."""
        with connection.cursor() as cursor:
            cursor.execute(_VALUES.format(self.parameter_name))
            return [(value, value) for (value,) in cursor.fetchall()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:
        """The events with the chosen value."""
        value = self.value()
        return queryset.filter(**{str(self.parameter_name): value}) if value else queryset


class DaysFilter(RangeDateFilter):  # type: ignore[misc]
    """From one day to another, both whole."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:
        """The events of the days; an end that is no date is left open."""
        first, last = self._day("from"), self._day("to")
        if first:
            queryset = queryset.filter(at__gte=first)
        return queryset.filter(at__lt=last + timedelta(days=1)) if last else queryset

    def _day(self, end: str) -> datetime | None:
        text = str(self.used_parameters.get(f"{self.parameter_name}_{end}", ""))
        try:
            day = parse_date(text)
        except ValueError:
            return None
        return make_aware(datetime.combine(day, time.min)) if day else None


class TypeFilter(_ValueFilter):
    """What happened."""

    title = _("event")
    parameter_name = "type"


class SubjectFilter(_ValueFilter):
    """What kind of thing it happened to."""

    title = _("kind of subject")
    parameter_name = "subject_type"
