"""What the clock does for organisations."""

from apps.tenancy.spares import missing_spares
from apps.tenants.erasing.services import begin_due_erasures
from apps.tenants.runner import call_for_spares
from apps.tenants.trials import tell_of_trials
from apps.work.registry import every


@every(3600, "tenants.trials")
def _trials() -> int:
    return tell_of_trials()


@every(300, "tenants.erasures")
def _erasures() -> int:
    return begin_due_erasures()


@every(5, "tenants.spares")
def _spares() -> int:
    missing = missing_spares()
    if missing:
        call_for_spares()
    return missing
