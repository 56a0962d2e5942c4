"""Locks of the whole database, held while something is done that must not be done twice."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import Error, connection


@contextmanager
def held_alone(lock: int) -> Iterator[None]:
    """Hold a lock of the database by its number; waits for whoever holds it now.

    It has a connection of its own, since migrating closes the usual one, and dies with the process.
    """
    guard = connection.copy()
    try:
        with guard.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [lock])
        try:
            yield
        finally:
            # Closing would do, were it not for a pool, which gives the session to somebody else.
            with suppress(Error), guard.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [lock])
    finally:
        guard.close()
