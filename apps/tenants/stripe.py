"""What dj-stripe asks of us, and what becomes of its rows when an organisation is erased.

Invoices and charges stay, with what they consist of, since law demands books. The customer they
are of stays without a word of who it was, as dj-stripe's own purge leaves it. The rest goes.
What the provider of payments itself holds is the provider's.
"""

import re
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from apps.tenants.erasing.registry import Settled, keeps_books
from apps.tenants.erasing.scanning import rows_that_say
from apps.tenants.erasing.traces import Traces
from apps.tenants.models import Organisation

# What books consist of, and what is a part of these: deleted, some would take them along.
_BOOKED = ("Invoice", "Charge")
_PARTS = ("InvoiceItem", "LineItem", "PaymentIntent", "Refund", "Dispute")
_OF_CUSTOMERS = (
    "Subscription",
    "SubscriptionSchedule",
    "UpcomingInvoice",
    "Discount",
    "TaxId",
    "Session",
    "SetupIntent",
    "PaymentMethod",
    "Source",
)
# What the provider told us: copies of everything.
_TOLD = ("WebhookEventTrigger", "Event")

_Rows = models.QuerySet[Any]


def subscriber_of(request: HttpRequest) -> Organisation | None:
    """The organisation whose console a request is for."""
    tenant = getattr(request, "tenant", None)
    return Organisation.objects.filter(console_id=tenant.pk).first() if tenant else None


@keeps_books(*(f"djstripe_{name.lower()}" for name in (*_BOOKED, *_PARTS)))
def settle(traces: Traces, pattern: str) -> Settled:
    """Forget the customers that an organisation was; those of books stay, and name nobody."""
    others = Organisation.objects.exclude(uuid=traces.uuids[0])
    customers = _customers(traces, pattern, others)
    ids = list(customers.values_list("id", flat=True))
    gone: dict[str, int] = {}
    _forget_rows(ids, pattern, others, gone)
    booked = [_rows(name).filter(customer__id__in=ids) for name in _BOOKED]
    kept = {one for rows in booked for one in rows.values_list("customer_id", flat=True)}
    _delete(_rows("Customer").filter(id__in=set(ids) - kept), gone)
    for key in kept:
        _rows("Customer").filter(id=key).update(
            subscriber=None,
            email="",
            metadata=None,
            default_payment_method=None,
            date_purged=timezone.now(),
            stripe_data={"id": key, "object": "customer", "deleted": True},
        )
    return Settled(sum(rows.count() for rows in booked), gone)


def _customers(traces: Traces, pattern: str, others: _Rows) -> _Rows:
    """Whom it was charged as: by our link, by what the row says, or by a name that no other has.

    Without those that an erasure left for the books, and those that are another organisation's.
    """
    its_own = Q(subscriber__uuid=traces.uuids[0]) | Q(pk__in=_saying("Customer", pattern))
    if not others.filter(name=traces.name).exists():
        its_own |= Q(subscriber=None, stripe_data__name=traces.name)
    return _not_of(others, "subscriber").filter(its_own, date_purged=None)


def _forget_rows(ids: list[str], pattern: str, others: _Rows, gone: dict[str, int]) -> None:
    """What is no book and belongs to these customers, or says what the pattern looks for.

    A row of another organisation's customer stays, and is found by the last look.
    """
    if ids:
        customers = "|".join(re.escape(one) for one in ids)
        pattern = rf"{pattern}|(^|[^[:alnum:]_])({customers})($|[^[:alnum:]_])"
    for name in _OF_CUSTOMERS:
        rows = _not_of(others, "customer__subscriber", name).filter(
            Q(customer__id__in=ids) | Q(pk__in=_saying(name, pattern))
        )
        if name == "Subscription":
            _keep_lines(list(rows.values_list("id", flat=True)))
        _delete(rows, gone)
    for name in _TOLD:
        _delete(_rows(name).filter(pk__in=_saying(name, pattern)), gone)


def _keep_lines(subscriptions: list[str]) -> None:
    """Lines of invoices would go with these."""
    lines = _rows("LineItem")
    lines.filter(subscription_item__subscription__id__in=subscriptions).update(
        subscription_item=None
    )
    lines.filter(subscription__id__in=subscriptions).update(subscription=None)


def _rows(name: str) -> _Rows:
    rows: _Rows = apps.get_model("djstripe", name)._base_manager.all()
    return rows


def _not_of(others: _Rows, path: str, name: str = "Customer") -> _Rows:
    return _rows(name).filter(Q(**{path: None}) | ~Q(**{f"{path}__in": others}))


def _saying(name: str, pattern: str) -> list[object]:
    return rows_that_say(apps.get_model("djstripe", name), pattern)


def _delete(rows: _Rows, gone: dict[str, int]) -> None:
    for label, count in rows.delete()[1].items():
        if count:
            gone[label.lower()] = gone.get(label.lower(), 0) + count
