"""What the clock does for backups."""

from apps.backups import carrying, forgetting, services, watching
from apps.work.registry import every


@every(60, "backups.due")
def _due() -> bool:
    return services.ask_what_is_due()


@every(60, "backups.carry")
def _carry() -> bool:
    return carrying.keep_carrying()


@every(60, "backups.watch")
def _watch() -> int:
    return watching.look()


@every(86_400, "backups.forget")
def _forget() -> int:
    forgetting.call()
    return services.forget_old()
