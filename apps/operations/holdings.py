"""What operations hold of people: who started them."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from apps.core.personal import USER, holds


def _started(user: Any, rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.filter(actor_id=str(user.uuid))


holds(
    "operations.Operation",
    of=USER,
    by=_started,
    hidden=("memory", "params"),
    blank={"actor_label": ""},
    stays=_("It is the record of what was changed; who started it is taken out."),
)
