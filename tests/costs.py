"""What an answer costs the database."""

from collections.abc import Callable

from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext


def queries_of(ask: Callable[[], HttpResponse]) -> int:
    """How many queries it takes, of a page that was asked for a moment ago.

    What is known for a minute, as a limit or that a session is in use, is asked for by the first.
    """
    ask()
    with CaptureQueriesContext(connection) as asked:
        assert ask().status_code == 200
    return len(asked)
