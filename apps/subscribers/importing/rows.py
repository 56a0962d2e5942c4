"""Checking rows against each other and the database, and writing them, a batch at a time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.billing.models import PlanVersion
from apps.billing.services import newest_versions
from apps.subscribers.importing.columns import STATUSES, Values, clean_row
from apps.subscribers.importing.layout import Layout
from apps.subscribers.models import (
    ImportRow,
    Service,
    ServiceAddress,
    ServiceStateChange,
    Subscriber,
    SubscriberImport,
)
from apps.subscribers.services import draw_numbers

BATCH = 500
KEYS = ("number", "external_id", "username")
Plans = Mapping[str, PlanVersion]


@dataclass(frozen=True)
class Batch:
    """Rows of a file with their values; what is wrong with them is on the rows."""

    rows: list[ImportRow]
    values: list[dict[str, str]]


@dataclass(frozen=True)
class Made:
    """What became of the rows of a batch."""

    people: list[Subscriber]
    services: list[Service]


def plans_by_name() -> dict[str, PlanVersion]:
    """The newest version of each plan by its name and by its key, in lower case."""
    found: dict[str, PlanVersion] = {}
    for version in newest_versions():
        found.setdefault(version.plan.name.lower(), version)
        found[version.plan.key.lower()] = version
    return found


def check_batch(
    source: SubscriberImport, layout: Layout, lines: Iterable[tuple[int, list[str]]], plans: Plans
) -> Batch:
    """Look at rows of the file: each cell, twins further up, and what the workspace has already."""
    checked = [(row, cells, clean_row(layout.columns, cells, plans.keys())) for row, cells in lines]
    batch = Batch(
        [_row_of(source, row, cells, values) for row, cells, values in checked],
        [values.by_column for _row, _cells, values in checked],
    )
    for key in KEYS:
        _mark_twins(source, batch.rows, key)
    _mark_taken(batch.rows)
    return batch


def check_again(layout: Layout, rows: list[ImportRow], plans: Plans) -> Batch:
    """Look at stored rows anew, since the workspace goes on while people decide."""
    cleaned = [clean_row(layout.columns, row.cells, plans.keys()) for row in rows]
    for row, values in zip(rows, cleaned, strict=True):
        row.errors = list(values.errors)
    _mark_taken(rows)
    return Batch(rows, [values.by_column for values in cleaned])


def write_batch(source: SubscriberImport, batch: Batch, plans: Plans) -> Made:
    """Make subscribers of the rows without errors, with their services."""
    good = [v for row, v in zip(batch.rows, batch.values, strict=True) if row.is_good]
    drawn = draw_numbers(len(good), unless_in=source.rows.exclude(number=""))
    now = _now()
    people = Subscriber.objects.bulk_create(
        _subscriber(source, values, pk, number, now)
        for values, (pk, number) in zip(good, drawn, strict=True)
    )
    pairs = list(zip(people, good, strict=True))
    addresses = ServiceAddress.objects.bulk_create(
        _address(person, values) for person, values in pairs if _has_address(values)
    )
    at = {address.subscriber_id: address for address in addresses}
    services = Service.objects.bulk_create(
        _service(person, values, plans, at.get(person.pk), now)
        for person, values in pairs
        if values.get("plan")
    )
    ServiceStateChange.objects.bulk_create(
        ServiceStateChange(
            service=service, target=service.status, reason="import", actor=source.created_by
        )
        for service in services
    )
    return Made(people, services)


def _now() -> datetime:
    """The database's time. Its default in each row would keep Django from giving arrays."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        (now,) = cursor.fetchone()
    return now  # type: ignore[no-any-return]


def _row_of(source: SubscriberImport, row: int, cells: list[str], values: Values) -> ImportRow:
    keys = {key: values.by_column.get(key, "") for key in KEYS}
    return ImportRow(
        source=source,
        row=row,
        cells=cells,
        errors=list(values.errors),
        is_good=not values.errors,
        **keys,
    )


def _mark_twins(source: SubscriberImport, rows: list[ImportRow], key: str) -> None:
    """A value that an earlier row of the file has is an error of the later row."""
    earlier = _having(source.rows.all(), key, rows).order_by("-row")
    first = dict(earlier.values_list(key, "row"))
    for row in rows:
        value = getattr(row, key)
        if value and first.setdefault(value, row.row) != row.row:
            _mark(
                row,
                key,
                _("%(words)s “%(value)s” is in row %(first)s already.")
                % {"words": _WORDS[key], "value": value, "first": first[value]},
            )


def _mark_taken(rows: list[ImportRow]) -> None:
    """A value that the workspace has already is an error."""
    for key in KEYS:
        model = Service if key == "username" else Subscriber
        found = _having(model._default_manager.all(), key, rows).order_by()
        taken = set(found.values_list(key, flat=True))
        for row in rows:
            if getattr(row, key) in taken:
                what = f"{_WORDS[key]} “{getattr(row, key)}”"
                _mark(
                    row,
                    key,
                    _("%(what)s belongs to a subscriber who is here already.") % {"what": what},
                )
    for row in rows:
        row.is_good = not row.errors


def _having(found: QuerySet[Any], key: str, rows: list[ImportRow]) -> QuerySet[Any]:
    """Those of `found` with the key of one of the rows."""
    wanted = {getattr(row, key) for row in rows} - {""}
    # Without the second condition PostgreSQL does not see that the partial indexes will do.
    return found.filter(**{f"{key}__in": wanted}).exclude(**{key: ""})


def _mark(row: ImportRow, column: str, message: str) -> None:
    row.errors.append({"column": column, "message": message})
    row.is_good = False


def _subscriber(
    source: SubscriberImport, values: Mapping[str, str], pk: int, number: str, now: datetime
) -> Subscriber:
    fields = {name: values.get(name, "") for name in ("name", "email", "phone", "external_id")}
    return Subscriber(
        pk=pk,
        number=values.get("number") or number,
        status=_statuses(values)[0],
        source_import=source,
        updated_at=now,
        **fields,
    )


def _statuses(values: Mapping[str, str]) -> tuple[str, str]:
    return STATUSES[values.get("status") or ("active" if values.get("plan") else "lead")]


def _has_address(values: Mapping[str, str]) -> bool:
    return any(values.get(name) for name in ("street", "postcode", "city"))


def _address(person: Subscriber, values: Mapping[str, str]) -> ServiceAddress:
    fields = {name: values.get(name, "") for name in ("street", "postcode", "city", "country")}
    return ServiceAddress(subscriber=person, **fields)


def _service(
    person: Subscriber,
    values: Mapping[str, str],
    plans: Plans,
    address: ServiceAddress | None,
    now: datetime,
) -> Service:
    status = _statuses(values)[1]
    is_suspended = status == Service.Status.SUSPENDED
    return Service(
        subscriber=person,
        plan_version=plans[values["plan"].lower()],
        address=address,
        username=values.get("username", ""),
        status=status,
        suspension=Service.Suspension.ADMIN if is_suspended else "",
        activated_at=now if is_suspended or status == Service.Status.ACTIVE else None,
        suspended_at=now if is_suspended else None,
        terminated_at=now if status == Service.Status.TERMINATED else None,
        updated_at=now,
    )


_WORDS = {
    "number": gettext_lazy("The number"),
    "external_id": gettext_lazy("The reference"),
    "username": gettext_lazy("The user name"),
}
