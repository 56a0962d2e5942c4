"""The release of every tenant, as the operator sees it: how many are behind, and the run."""

import time
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from apps.core.languages import grouped
from apps.events.actors import Actor, Subject
from apps.operations import services as operations
from apps.operations.exceptions import StepError
from apps.operations.models import Operation
from apps.operations.pipelines import Pipeline, Run, Step, register
from apps.tenancy.kinds import PUBLIC
from apps.tenancy.migrating.behind import look
from apps.tenancy.migrating.fleet import Progress, migrate_fleet
from apps.tenancy.models import FailedMigration, Tenant

PIPELINE = "tenants.migrate"
PERMISSION = "tenants.migrate"
_TOLD_EVERY_S = 1.0


@dataclass(frozen=True)
class Release:
    """Counts of tenants in this database."""

    total: int
    behind: int
    failed: int


def release_now() -> Release:
    """How the tenants stand to this release."""
    behind = look()
    return Release(
        total=Tenant.objects.filter(is_local=True).exclude(kind=PUBLIC).count(),
        behind=behind.count + len(behind.unreadable),
        failed=FailedMigration.objects.count(),
    )


def active_run() -> Operation | None:
    """The operation that migrates tenants at the moment."""
    return operations.active_on(_subject())


@transaction.atomic
def migrate_tenants(*, actor: Actor) -> Operation:
    """Start bringing every tenant to this release; BusyError while that runs."""
    return operations.start(PIPELINE, subject=_subject(), actor=actor)


def _subject() -> Subject:
    operator = Tenant.objects.get(kind=PUBLIC)
    return Subject("tenancy.tenant", str(operator.uuid), str(operator.name))


class BringUp(Step):
    """Every tenant that is behind; those that are done stay done when it is begun again."""

    key, title = "tenants", gettext_noop("Migrate the tenants that are behind")
    deadline_s = 6 * 60 * 60

    def run(self, run: Run) -> None:
        """StepError that counts those that failed; they stay as they were."""
        told = _Told(run)
        done = migrate_fleet(told)
        migrated = done.done - len(done.failed)
        text = ngettext(
            "%(count)s tenant was migrated.", "%(count)s tenants were migrated.", migrated
        )
        run.log(text % {"count": grouped(migrated)})
        if done.failed:
            raise StepError(
                _(
                    "%(failed)s of %(total)s tenants were not migrated and stay as they were. The"
                    " page “Tenants not migrated” says why; mend it, then repeat this."
                )
                % {"failed": grouped(len(done.failed)), "total": grouped(done.total)}
            )


class _Told:
    """Tells the operation's log of each failure, and of the count every second."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._said_at = 0.0

    def __call__(self, progress: Progress, what: str) -> None:
        self._run.assert_held()
        if what in progress.failed:
            self._run.log(f"{what}: {progress.failed[what]}", level="error")
        elif time.monotonic() - self._said_at > _TOLD_EVERY_S:
            self._said_at = time.monotonic()
            said = {"done": grouped(progress.done), "total": grouped(progress.total)}
            self._run.tell(progress.done, progress.total, _("%(done)s of %(total)s") % said)


register(
    Pipeline(
        PIPELINE,
        gettext_noop("Migrate all tenants"),
        (BringUp,),
        # It can be killed at any time, but not taken back.
        can_cancel=False,
        asks=lambda _operation: PERMISSION,
    )
)
