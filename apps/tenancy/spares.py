"""Empty schemas made ahead, so that a sign-up only has to name one.

Making one takes a fifth of a second, naming one a few thousandths. Those of another release's
migrations are worth nothing and are dropped.
"""

from functools import cache
from secrets import token_hex

from django.conf import settings
from django.db import connection, transaction
from psycopg import sql

from apps.tenancy.exceptions import SchemaExistsError
from apps.tenancy.kinds import PREFIXES, kind_of, operator, schema_exists
from apps.tenancy.locks import held_alone
from apps.tenancy.models import SpareSchema
from apps.tenancy.templates import create_schema, drop_schema
from apps.tenancy.templates import fingerprint as read_fingerprint

_LOCK = 0x0D07_5AE5
# No slug begins with a hyphen, so no tenant's schema has two of these in a row at its begin.
SPARE_MARK = "_spare_"


# Files do not change while a release runs, and reading all of them takes ten milliseconds.
fingerprint = cache(read_fingerprint)


def take_spare(name: str) -> bool:
    """Give a spare schema of the right kind the name of a tenant's; False where there is none.

    In the caller's transaction: where that is rolled back, the spare is one again.
    SchemaExistsError if the name is taken.
    """
    kind = kind_of(name)
    with transaction.atomic(), operator():
        rows = SpareSchema.objects.select_for_update(skip_locked=True)
        for spare in rows.filter(kind=kind, fingerprint=fingerprint(kind)).order_by("pk")[:1]:
            if schema_exists(name):
                raise SchemaExistsError(f"The schema {name} exists already.")
            spare.delete()
            # One that somebody dropped by hand is forgotten.
            return schema_exists(spare.name) and _rename(spare.name, name)
    return False


def missing_spares() -> int:
    """How many are wanted and not there, of all kinds; more than none also for outdated ones."""
    wanted = len(PREFIXES) * settings.SPARE_SCHEMAS
    prints = [fingerprint(kind) for kind in PREFIXES.values()]
    with operator():
        found = SpareSchema.objects.filter(fingerprint__in=prints).count()
        return max(0, wanted - found) + SpareSchema.objects.exclude(fingerprint__in=prints).count()


def fill_spares() -> int:
    """Drop what this release cannot use and make what is missing; returns how many were made.

    Each for itself, so that a process killed in the middle leaves nothing half done.
    """
    made = 0
    with operator(), held_alone(_LOCK):
        for prefix, kind in PREFIXES.items():
            now = fingerprint(kind)
            rows = SpareSchema.objects.filter(kind=kind)
            for spare in rows.exclude(fingerprint=now):
                _drop(spare)
            for _turn in range(settings.SPARE_SCHEMAS - rows.filter(fingerprint=now).count()):
                _make(f"{prefix}{SPARE_MARK}{token_hex(8)}", kind, now)
                made += 1
    return made


@transaction.atomic
def _make(name: str, kind: str, now: str) -> None:
    create_schema(name)
    SpareSchema.objects.create(name=name, kind=kind, fingerprint=now)


@transaction.atomic
def _drop(spare: SpareSchema) -> None:
    # Not one that a sign-up takes right now.
    if SpareSchema.objects.select_for_update(skip_locked=True).filter(pk=spare.pk).exists():
        drop_schema(spare.name)
        spare.delete()


def _rename(before: str, after: str) -> bool:
    with connection.cursor() as cursor:
        names = sql.Identifier(before), sql.Identifier(after)
        cursor.execute(sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(*names))
    return True
