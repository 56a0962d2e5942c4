"""A nursery of worker processes: Django is loaded once, and each worker is a fork of it.

Reads one JSON request a line and answers each with one line:
    {"do": "work", "die_at": 7}   a worker that takes what is due until it is killed (or, with
                                  `due`, only that); dies before its n-th SQL statement; → pid
    {"do": "start", …}            start an operation in a process of its own; → its uuid
    {"do": "count", "due": id}    run one piece of work; → the number of SQL statements
    {"do": "wait", "pid": 1}      wait for a worker's end; → how it ended, negative for a signal
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models.functions import Now  # noqa: E402

from apps.events.actors import SYSTEM, Subject  # noqa: E402
from apps.operations import services as operations  # noqa: E402
from apps.tenancy.kinds import schema_of  # noqa: E402
from apps.work import jobs, services  # noqa: E402
from apps.work.models import Due  # noqa: E402
from dotmac.server import proc  # noqa: E402
from tests.operations.demo import pipelines as _demo  # noqa: E402, F401


class _Statements:
    """Counts this connection's statements, and dies before a chosen one."""

    def __init__(self, die_at: int | None) -> None:
        self.die_at, self.count = die_at, 0

    def __call__(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        self.count += 1
        if self.count == self.die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(*arguments)


def work(request: dict[str, Any]) -> None:
    """Take one piece of work, or all that becomes due."""
    with connection.execute_wrapper(_Statements(request.get("die_at"))):
        if "due" in request:
            jobs.run(request["due"])
            return
        while True:
            try:
                _take_what_is_due()
            except Exception as error:
                print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
                connection.close()
            time.sleep(0.02)


def _take_what_is_due() -> None:
    services.reap()
    ready = Due.objects.filter(state__in=["queued", "waiting"], due_at__lte=Now())
    for due_id in list(ready.values_list("pk", flat=True)[:1]):
        jobs.run(str(due_id))


def start(request: dict[str, Any]) -> str:
    """Start an operation; its uuid."""
    with schema_of(request["schema"]):
        subject = Subject("demo", request["subject"], request["subject"])
        return str(operations.start(request["name"], subject=subject, actor=SYSTEM).uuid)


def count(request: dict[str, Any]) -> int:
    """Run a piece of work and count its statements."""
    statements = _Statements(None)
    with connection.execute_wrapper(statements):
        jobs.run(request["due"])
    return statements.count


def _in_a_fork(task: Callable[[dict[str, Any]], Any], request: dict[str, Any]) -> int:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            proc.die_with_parent(signal.SIGKILL)
            os.write(writing, json.dumps(task(request)).encode())
            code = 0
        except Exception as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        finally:
            connection.close()
            os._exit(code)
    os.close(writing)
    _answers[child] = reading
    return child


def _answer_of(child: int) -> Any:
    with os.fdopen(_answers.pop(child)) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else None


def _wait(child: int) -> int:
    os.close(_answers.pop(child))
    _pid, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def main() -> None:
    """Answer requests until the input ends."""
    settings.LEASE_SECONDS = float(os.environ.get("TEST_LEASE_SECONDS", settings.LEASE_SECONDS))
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "wait":
            answer = _wait(request["pid"])
        elif request["do"] == "work":
            answer = _in_a_fork(work, request)
        else:
            answer = _answer_of(
                _in_a_fork({"start": start, "count": count}[request["do"]], request)
            )
        print(json.dumps(answer), flush=True)


_answers: dict[int, int] = {}

if __name__ == "__main__":
    main()
