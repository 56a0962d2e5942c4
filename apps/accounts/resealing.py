"""Encrypting anew what lies under an older one of FIELD_KEYS, in every schema.

Batch by batch, each in a transaction of its own, each row only where it is still what was read:
it can be killed at any time and started again, also beside itself and all other processes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.core.sealed import SealedColumn, sealed_columns
from apps.events import services as events
from apps.events.actors import SYSTEM, Subject
from apps.events.places_of_logs import schemas_with_logs
from apps.tenancy.kinds import app_labels, current_schema, kind_of, schema_of
from dotmac.crypto.fields import Cipher, CipherError, parse_keys

BATCH = 200
# How often a column is gone through again for rows that somebody has written meanwhile.
_TURNS = 3
# What every ciphertext begins with: its version, and a time before the year 2106.
_MARK = "gAAAAA"
Watch = Callable[[str, int], None]


@dataclass
class Count:
    """What was found in a schema: values by their column."""

    schema: str
    resealed: int = 0
    old: dict[str, int] = field(default_factory=dict)
    unreadable: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, column: SealedColumn, count: int) -> None:
        """Count values that are `old` or `unreadable`."""
        known: dict[str, int] = getattr(self, kind)
        if count:
            known[str(column)] = known.get(str(column), 0) + count


def count_old(schema: str) -> Count:
    """What of a schema lies under an older key, or opens with none; changes nothing."""
    cipher, count = _cipher(), Count(schema)
    with schema_of(schema):
        for column in _columns():
            for rows in _batches(column, BATCH):
                for _pk, value in rows:
                    _count_value(cipher, column, value, count)
    return count


def reseal(schema: str, *, watch: Watch, batch: int = BATCH) -> Count:
    """Encrypt with the first key what is not; `watch` is told after each batch that changed.

    What is returned tells what is left.
    """
    cipher, done = _cipher(), 0
    with schema_of(schema):
        for column in _columns():
            for _turn in range(_TURNS):
                changed, missed = _reseal_column(cipher, column, batch, watch)
                done += changed
                if not missed:
                    break
    count = count_old(schema)
    count.resealed = done
    return count


def schemas() -> list[str]:
    """All in which something may be encrypted, the operator's first."""
    return schemas_with_logs()


def _reseal_column(
    cipher: Cipher, column: SealedColumn, batch: int, watch: Watch
) -> tuple[int, int]:
    """How many values are new, and how many rows somebody has written meanwhile."""
    done = missed = 0
    for rows in _batches(column, batch):
        with transaction.atomic():
            changed = 0
            for pk, value in rows:
                new, count = _renewed(cipher, value)
                if not count:
                    continue
                won = _swap(column, pk, value, new)
                changed, missed = changed + count * won, missed + (not won)
            if changed:
                about = Subject("encrypted_column", str(column)[:60], str(column))
                data = {"count": changed}
                events.record("secrets.resealed", actor=SYSTEM, subject=about, data=data)
        done += changed
        if changed:
            watch(str(column), changed)
    return done, missed


def _swap(column: SealedColumn, pk: Any, old: Any, new: Any) -> int:
    rows = column.model._base_manager.filter(pk=pk, **{column.name: old})
    return rows.update(**{column.name: new})


def _batches(column: SealedColumn, size: int) -> Iterator[list[tuple[Any, Any]]]:
    rows = column.model._base_manager.order_by("pk").values_list("pk", column.name)
    batch = list(rows[:size])
    while batch:
        yield batch
        batch = list(rows.filter(pk__gt=batch[-1][0])[:size])


def _renewed(cipher: Cipher, value: Any) -> tuple[Any, int]:
    """The value under the first key, and how many texts of it were not; JSON is gone through."""
    if isinstance(value, dict):
        pairs = {name: _renewed(cipher, one) for name, one in value.items()}
        return {name: new for name, (new, _n) in pairs.items()}, sum(n for _v, n in pairs.values())
    if isinstance(value, list):
        parts = [_renewed(cipher, one) for one in value]
        return [new for new, _n in parts], sum(n for _v, n in parts)
    if not _is_sealed(value) or cipher.is_current(value):
        return value, 0
    try:
        return cipher.rotate(value), 1
    except CipherError:
        # Its key is missing: it stays as it is, and is told of.
        return value, 0


def _count_value(cipher: Cipher, column: SealedColumn, value: Any, count: Count) -> None:
    for text in _texts(value):
        if not _is_sealed(text) or cipher.is_current(text):
            continue
        try:
            cipher.rotate(text)
        except CipherError:
            count.add("unreadable", column, 1)
        else:
            count.add("old", column, 1)


def _texts(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)
    else:
        yield value


def _is_sealed(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(_MARK)


def _columns() -> list[SealedColumn]:
    return sealed_columns(app_labels(kind_of(current_schema())))


def _cipher() -> Cipher:
    # Not kept: who changes keys shall see it.
    return Cipher(parse_keys(",".join(settings.FIELD_KEYS)))
