"""The few statements that are worth planning once for each connection."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import psycopg
from django.db import connection


def fetch_prepared(statement: str, values: Sequence[Any]) -> Any:
    """Run a statement that the server keeps prepared, and return its first row.

    Outside of Django's cursors, which put values into the text, so that each run is parsed and
    planned anew. PostgreSQL plans again by itself where the search path is another than before
    (its manual, PREPARE), so the statement means the tables of the present schema.
    """
    with connection.cursor() as cursor:
        # Opened for what comes with it: a checked connection with the path of the present schema.
        line = cursor.connection
    with connection.wrap_database_errors, psycopg.Cursor(line) as prepared:

        def run(statement: str, values: Any, _many: bool, _context: Any) -> Any:
            return prepared.execute(statement, values, prepare=True).fetchone()

        # Whoever counts and traces what Django's cursors run is told of this as well.
        for wrapper in reversed(connection.execute_wrappers):
            run = partial(wrapper, run)
        return run(statement, values, False, {"connection": connection, "cursor": prepared})
