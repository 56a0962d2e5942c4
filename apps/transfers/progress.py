"""How far a file is, in the log of the operation that writes or reads it."""

import time

from django.utils.translation import gettext as _

from apps.core.languages import grouped
from apps.operations.pipelines import Run
from apps.tenancy.transfer.exporting import Progress

_TOLD_EVERY_S = 1.0


class Told:
    """Tells the operation's log how far it is, every second."""

    def __init__(self, run: Run) -> None:
        self._run, self._said_at = run, time.monotonic()
        self.last = Progress("", 0, 0, 0, 0)

    def __call__(self, progress: Progress) -> None:
        self.last = progress
        self._run.assert_held()
        if time.monotonic() - self._said_at > _TOLD_EVERY_S:
            self._said_at = time.monotonic()
            self._run.tell(progress.tables, progress.of_tables, self.said)

    @property
    def said(self) -> str:
        """What is written by now."""
        return _("%(tables)s of %(all)s tables, %(rows)s rows, %(size)s MB") % {
            "tables": self.last.tables,
            "all": self.last.of_tables,
            "rows": grouped(self.last.rows),
            "size": grouped(-(-self.last.bytes // 1_000_000)),
        }
