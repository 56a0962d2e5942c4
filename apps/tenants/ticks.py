"""What the clock does for organisations."""

from apps.tenants.trials import tell_of_trials
from apps.work.registry import every


@every(3600, "tenants.trials")
def _trials() -> int:
    return tell_of_trials()
