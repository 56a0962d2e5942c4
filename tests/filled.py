"""A world that is made once for many tests, each of which begins with it as it was then."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction
from django.test import override_settings

from tests.conftest import send_at_once, worker_of_test


@contextmanager
def rolled_back() -> Iterator[None]:
    """A transaction around those of several tests; it never commits.

    For fixtures of a wider scope than one test, of tests without commits of their own.
    """
    outer = transaction.atomic()
    # As that of a test: code that demands an outermost transaction is not refused inside of it.
    outer._from_testcase = True  # type: ignore[attr-defined]
    with outer:
        yield
        connection.set_schema_to_public()
        transaction.set_rollback(True)


@contextmanager
def worker() -> Iterator[Callable[[], list[str]]]:
    """`run_due` for them, and mails that are sent where they are posted."""
    with pytest.MonkeyPatch.context() as patched, override_settings(LEASE_SECONDS=120):
        send_at_once(patched)
        yield worker_of_test(patched)
        connection.set_schema_to_public()
