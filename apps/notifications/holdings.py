"""What notifications hold of people."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from apps.core.personal import USER, holds


def _suppressed(user: Any, rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.filter(address=user.email)


holds("notifications.Delivery", of=USER, by="notification__user")
holds("notifications.Notification", of=USER, by="user")
holds("notifications.Preference", title=_("choices of notifications"), of=USER, by="user")
holds("notifications.Phone", title=_("telephone numbers"), of=USER, by="user")
holds("notifications.Suppressed", of=USER, by=_suppressed)
