"""What an ISP holds of its subscribers, and of people who are their log-ins or its staff."""

from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from apps.core.personal import SUBSCRIBER, USER, holds
from apps.subscribers.models import Subscriber

ERASED = "–"
_COUNTED = _("What was sold, and when, stays for the books, without the person.")
_IMPORTED = _("That a list was imported stays; who did it is taken out.")
_CHANGED = _("That a service changed stays; who changed it is taken out.")


def _self(person: Any, rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.filter(pk=person.pk)


def _imported(person: Any, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Rows of files that brought them, or that name them by what is theirs alone."""
    names = Q(number=person.number)
    if person.external_id:
        names |= Q(external_id=person.external_id)
    usernames = [name for name in person.services.values_list("username", flat=True) if name]
    return rows.filter(names | Q(username__in=usernames))


def _by_label(field: str) -> Any:
    return lambda user, rows: rows.filter(**{field: user.email})


holds("subscribers.ImportRow", title=_("rows of imported lists"), of=SUBSCRIBER, by=_imported)
holds(
    "subscribers.ServiceStateChange",
    of=SUBSCRIBER,
    by="service__subscriber",
    hidden=("actor",),
    blank={"reason": ""},
    stays=_COUNTED,
)
holds(
    "subscribers.Service",
    of=SUBSCRIBER,
    by="subscriber",
    blank={"username": "", "address": None, "external_id": "", "metadata": {}},
    stays=_COUNTED,
)
holds("subscribers.ServiceAddress", of=SUBSCRIBER, by="subscriber")
holds(
    "subscribers.Subscriber",
    of=SUBSCRIBER,
    by=_self,
    blank={
        "name": ERASED,
        "email": "",
        "phone": "",
        "external_id": "",
        "language": "",
        "metadata": {},
        "user": None,
        "source_import": None,
        "status": Subscriber.Status.ARCHIVED,
    },
    stays=_("The number stays, so that what was sold is counted; it is archived."),
)
holds(
    "subscribers.Subscriber",
    of=USER,
    by="user",
    blank={"user": None},
    stays=_("The subscriber stays; erase them on their own page. The log-in is taken out."),
)
holds(
    "subscribers.SubscriberImport",
    of=USER,
    by=_by_label("created_by"),
    blank={"created_by": ""},
    stays=_IMPORTED,
)
holds(
    "subscribers.ServiceStateChange",
    of=USER,
    by=_by_label("actor"),
    blank={"actor": ""},
    stays=_CHANGED,
)
