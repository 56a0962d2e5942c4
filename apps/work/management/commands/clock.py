"""`manage.py clock`: the one process that notices that time has passed."""

import signal
import time
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import Error, OperationalError, connection

from apps.tenancy.kinds import operator
from apps.work.registry import Beat, beats

log = structlog.get_logger(__name__)
# One clock a database: others wait for this lock to fall free.
_LOCK = 0x0D07_C10C
_TICK_S = 0.25
# A beat that hangs is cut off: nothing else is woken or reaped while it runs.
_BEAT_LIMIT_S = 120


class BeatOverdueError(Exception):
    """A beat took longer than any beat may."""


def _cut_off(*_: Any) -> None:
    raise BeatOverdueError(f"It ran for more than {_BEAT_LIMIT_S} s.")


class Command(BaseCommand):
    """Runs every registered beat at its interval; a failing one does not stop the others."""

    help = "Runs what is due by time; a second clock on the same database waits."

    def handle(self, *args: Any, **options: Any) -> None:
        """Loop until SIGTERM or SIGINT."""
        self._is_over = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        signal.signal(signal.SIGALRM, _cut_off)
        # Kept when the database is lost, so that the beats after one that loses it get their turn.
        due = {beat.name: 0.0 for beat in beats()}
        while not self._is_over:
            try:
                self._turn(due)
            except Error as error:
                log.warning("clock_without_database", error=str(error).strip())
                connection.close()
                time.sleep(1)

    def _end(self, *_: Any) -> None:
        # A plain flag: an Event's lock may be held by the very wait that the signal interrupts.
        self._is_over = True

    def _turn(self, due: dict[str, float]) -> None:
        with connection.cursor() as cursor:
            # A session that is given up in the middle of a query would keep the lock.
            cursor.execute(f"SET statement_timeout = {_BEAT_LIMIT_S * 500}")
        while not self._is_over:
            if not self._alone():
                time.sleep(1)
                continue
            for beat in beats():
                if due[beat.name] <= time.monotonic() and not self._is_over:
                    due[beat.name] = time.monotonic() + beat.every_s
                    self._run(beat)
            time.sleep(_TICK_S * settings.CLOCK_SLOWNESS)

    def _alone(self) -> bool:
        """Hold the lock of the one clock; asked every turn, since a lost connection loses it."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted"
                " AND objid = %s AND pid = pg_backend_pid()) OR pg_try_advisory_lock(%s)",
                [_LOCK, _LOCK],
            )
            return bool(cursor.fetchone()[0])

    def _run(self, beat: Beat) -> None:
        signal.setitimer(signal.ITIMER_REAL, _BEAT_LIMIT_S)
        try:
            with operator():
                beat.run()
        except Exception as error:
            log.exception("beat_failed", beat=beat.name)
            if not connection.is_usable():
                raise OperationalError(f"{beat.name} lost the database: {error}") from error
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
