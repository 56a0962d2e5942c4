"""Claiming work, keeping the claim alive, and proving it before every change."""

import math
import multiprocessing
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog
from django.conf import settings
from django.db import Error, connection, transaction

from apps.work.constants import STALLS_ALLOWED
from apps.work.exceptions import LeaseLostError

log = structlog.get_logger(__name__)
# Time on the database's clock, so that hosts need not agree on theirs.
_CLAIM = """
    UPDATE "public"."work_due" SET state = 'running', epoch = epoch + 1, reason = '',
        lease_until = clock_timestamp() + make_interval(secs => %s),
        started_at = coalesce(started_at, clock_timestamp())
    WHERE id = (
        SELECT id FROM "public"."work_due"
        WHERE id = %s AND state IN ('queued', 'waiting') AND due_at <= clock_timestamp()
        FOR UPDATE SKIP LOCKED)
    RETURNING schema, kind, subject, epoch, stalls, traceparent
"""
_RENEW = """
    UPDATE "public"."work_due" SET lease_until = clock_timestamp() + make_interval(secs => %s)
    WHERE id = %s AND epoch = %s AND state = 'running'
"""
# A worker stopped inside its transaction would keep the row from the reaper: the server ends
# such a session. Only in a transaction of the lease's own; an outer one keeps its setting.
_HOLD = """
    SELECT set_config('idle_in_transaction_session_timeout',
        coalesce(%s, current_setting('idle_in_transaction_session_timeout')), true)
    FROM "public"."work_due" WHERE id = %s AND epoch = %s AND state = 'running' FOR UPDATE
"""


@dataclass
class Lease:
    """The right to work on one Due row, good until `held_until` (seconds since the epoch)."""

    due_id: str
    schema: str
    kind: str
    subject: str
    epoch: int
    stalls: int
    held_until: float
    # Seconds of time.monotonic() after which the heartbeat stops, since the work hangs. A runner
    # that may take longer than settings.WORK_SECONDS says so here.
    works_until: float = math.inf
    # The span of whoever asked for it.
    traceparent: str = ""
    lost: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def is_stuck(self) -> bool:
        """Whether too many workers died over it: its runner shall make an end."""
        return self.stalls >= STALLS_ALLOWED

    def assert_held(self) -> None:
        """Raise LeaseLostError once the lease ran out here; asks no database.

        A stopped process that goes on finds its own clock past the lease.
        """
        if self.lost.is_set() or time.time() >= self.held_until:
            raise LeaseLostError(f"The lease on {self.kind} {self.subject} is over.")

    def renew(self) -> None:
        """Extend the lease; LeaseLostError when another worker has it."""
        asked = time.time()
        with connection.cursor() as cursor:
            cursor.execute(_RENEW, [settings.LEASE_SECONDS, self.due_id, self.epoch])
            if cursor.rowcount != 1:
                self.lost.set()
                raise LeaseLostError(f"Another worker took over {self.kind} {self.subject}.")
        self.held_until = asked + settings.LEASE_SECONDS

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """A transaction that commits only while this lease is the newest."""
        idle_limit = None if connection.in_atomic_block else f"{settings.LEASE_SECONDS * 1000:.0f}"
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(_HOLD, [idle_limit, self.due_id, self.epoch])
                is_held = cursor.fetchone() is not None
            if not is_held:
                self.lost.set()
                raise LeaseLostError(f"Another worker took over {self.kind} {self.subject}.")
            yield


def claim(due_id: str) -> Lease | None:
    """Take a piece of work that is due; None when another has it or it is not due yet."""
    asked, works_until = time.time(), time.monotonic() + settings.WORK_SECONDS
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [settings.LEASE_SECONDS, due_id])
        row = cursor.fetchone()
    if row is None:
        return None
    schema, kind, subject, epoch, stalls, traceparent = row
    held_until = asked + settings.LEASE_SECONDS
    return Lease(due_id, schema, kind, subject, epoch, stalls, held_until, works_until, traceparent)


class Heartbeat(threading.Thread):
    """Renews a lease from a connection of its own until it is stopped, lost or overdue.

    A worker that has not noticed for as long as a lease that it lost its own hangs: it is ended.
    """

    def __init__(self, lease: Lease) -> None:
        super().__init__(name=f"heartbeat-{lease.subject}", daemon=True)
        self.lease = lease
        self._over = threading.Event()

    def run(self) -> None:
        """Renew every HEARTBEAT_SECONDS; a database that is away is asked again."""
        try:
            while not self._over.wait(settings.HEARTBEAT_SECONDS):
                self._beat()
        except LeaseLostError:
            connection.close()
            if not self._over.wait(settings.LEASE_SECONDS):
                self._end_worker()
        finally:
            connection.close()

    def _end_worker(self) -> None:
        """Have the cluster end this process and start another (apps.work.cluster).

        By the time that it counts down for each of its workers. Any other process goes on.
        """
        timer = getattr(multiprocessing.current_process(), "timer", None)
        if timer is not None:
            log.error("worker_hangs", due=self.lease.due_id, kind=self.lease.kind)
            timer.value = 0

    def _beat(self) -> None:
        if time.monotonic() > self.lease.works_until:
            self.lease.lost.set()
            raise LeaseLostError(f"{self.lease.kind} {self.lease.subject} hangs past its deadline.")
        try:
            self.lease.renew()
        except Error:
            connection.close()

    def __enter__(self) -> "Heartbeat":
        self.start()
        return self

    def __exit__(self, *exc: Any) -> None:
        self._over.set()
        self.join(timeout=settings.HEARTBEAT_SECONDS + 5)
