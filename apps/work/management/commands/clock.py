"""`manage.py clock`: the one process that notices that time has passed."""

import signal
import time
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import Error, OperationalError, connection

from apps.core.outages import outage_of
from apps.tenancy.kinds import operator
from apps.work import beats as done
from apps.work.constants import BEAT_LIMIT_S, CLOCK_LOCK
from apps.work.metrics import note_beat
from apps.work.registry import Beat, beats
from dotmac.telemetry import process
from dotmac.telemetry.processes import count_garbage

log = structlog.get_logger(__name__)
_TICK_S = 0.25


class BeatOverdueError(Exception):
    """A beat took longer than any beat may."""


def _cut_off(*_: Any) -> None:
    raise BeatOverdueError(f"It ran for more than {BEAT_LIMIT_S} s.")


def _say(beat: Beat, error: Exception) -> None:
    """In full; but a database that takes no writes refuses several beats a second, for hours."""
    outage = outage_of(error)
    if outage is None:
        log.exception("beat_failed", beat=beat.name)
    else:
        log.warning("beat_refused", beat=beat.name, kind=outage.kind)


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
            cursor.execute(f"SET statement_timeout = {BEAT_LIMIT_S * 500}")
        process.say_at_work()
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
                [CLOCK_LOCK, CLOCK_LOCK],
            )
            return bool(cursor.fetchone()[0])

    def _run(self, beat: Beat) -> None:
        signal.setitimer(signal.ITIMER_REAL, BEAT_LIMIT_S)
        began, is_well = time.perf_counter(), False
        try:
            with operator():
                beat.run()
            is_well = True
        except Exception as error:
            _say(beat, error)
            if not connection.is_usable():
                raise OperationalError(f"{beat.name} lost the database: {error}") from error
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            done.note(beat.name, is_well=is_well)
            note_beat(beat.name, is_well, time.perf_counter() - began)
            count_garbage()
