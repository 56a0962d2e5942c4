"""What the clock does for certificates."""

from apps.certificates import planning, services
from apps.work.registry import every


@every(15, "certificates.plan")
def _plan() -> int:
    return planning.plan()


@every(5, "certificates.due")
def _due() -> int:
    return services.call_due()
