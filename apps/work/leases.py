"""Claiming work, keeping the claim alive, and proving it before every change."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection, transaction

from apps.work.exceptions import LeaseLostError
from apps.work.models import Due

# Time on the database's clock, so that hosts need not agree on theirs.
_CLAIM = """
    UPDATE "public"."work_due" SET state = 'running', epoch = epoch + 1, reason = '',
        lease_until = clock_timestamp() + make_interval(secs => %s),
        started_at = coalesce(started_at, clock_timestamp())
    WHERE id = (
        SELECT id FROM "public"."work_due"
        WHERE id = %s AND state IN ('queued', 'waiting') AND due_at <= clock_timestamp()
        FOR UPDATE SKIP LOCKED)
    RETURNING schema, kind, subject, epoch
"""
_RENEW = """
    UPDATE "public"."work_due" SET lease_until = clock_timestamp() + make_interval(secs => %s)
    WHERE id = %s AND epoch = %s AND state = 'running'
"""


@dataclass
class Lease:
    """The right to work on one Due row, good until `held_until` (seconds since the epoch)."""

    due_id: str
    schema: str
    kind: str
    subject: str
    epoch: int
    held_until: float
    lost: threading.Event = field(default_factory=threading.Event, repr=False)

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
        with transaction.atomic():
            row = (
                Due.objects.select_for_update()
                .filter(pk=self.due_id, epoch=self.epoch, state=Due.State.RUNNING)
                .only("pk")
                .first()
            )
            if row is None:
                self.lost.set()
                raise LeaseLostError(f"Another worker took over {self.kind} {self.subject}.")
            yield


def claim(due_id: str) -> Lease | None:
    """Take a piece of work that is due; None when another has it or it is not due yet."""
    asked = time.time()
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [settings.LEASE_SECONDS, due_id])
        row = cursor.fetchone()
    return Lease(due_id, *row, held_until=asked + settings.LEASE_SECONDS) if row else None


class Heartbeat(threading.Thread):
    """Renews a lease from a connection of its own until it is stopped or lost."""

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
            return
        finally:
            connection.close()

    def _beat(self) -> None:
        try:
            self.lease.renew()
        except OperationalError:
            connection.close()

    def __enter__(self) -> "Heartbeat":
        self.start()
        return self

    def __exit__(self, *exc: Any) -> None:
        self._over.set()
        self.join(timeout=settings.HEARTBEAT_SECONDS + 5)
