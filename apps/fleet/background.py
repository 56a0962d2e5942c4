"""Work of the clock that may take long: in a thread of its own, so that the clock goes on."""

import threading
from collections.abc import Callable

import structlog
from django.db import connection

from apps.tenancy.kinds import operator

log = structlog.get_logger(__name__)


class Background:
    """Runs a function in the operator's schema beside the caller, at most once at a time."""

    def __init__(self, name: str, run: Callable[[], object]) -> None:
        self._name = name
        self._function = run
        self._thread: threading.Thread | None = None

    def start(self) -> bool:
        """Begin, unless the time before has not ended yet."""
        if self._thread is not None and self._thread.is_alive():
            return False
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()
        return True

    def _run(self) -> None:
        try:
            with operator():
                self._function()
        except Exception:
            log.exception("background_failed", name=self._name)
        finally:
            connection.close()
