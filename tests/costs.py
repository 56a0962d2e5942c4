"""What an answer costs the database."""

from collections.abc import Callable

from django.db import connection
from django.http import HttpResponse, StreamingHttpResponse
from django.test.utils import CaptureQueriesContext


def queries_of(ask: Callable[[], HttpResponse | StreamingHttpResponse]) -> int:
    """How many queries an answer takes: the least of three.

    What is known for a minute, as a limit, a host or that a session is in use, is asked for by the
    first; on a slow machine it may run out before the next.
    """
    return min(_asked(ask) for _turn in range(3))


def _asked(ask: Callable[[], HttpResponse | StreamingHttpResponse]) -> int:
    with CaptureQueriesContext(connection) as asked:
        answer = ask()
        if answer.streaming:
            for _part in answer:
                pass
    assert answer.status_code == 200, answer.status_code
    return len(asked)
