"""What is kept of people beside the log itself, which is exported and emptied as a whole."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from apps.core.personal import USER, holds


def _asked(user: Any, rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.filter(asked_by=user.email)


holds(
    "events.Verification",
    title=_("verifications of the log"),
    of=USER,
    by=_asked,
    hidden=("report", "accepts"),
    blank={"asked_by": ""},
    stays=_("That the log was proven stays; who asked for it is taken out."),
)
