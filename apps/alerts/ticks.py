"""What the clock does for alerts."""

from apps.alerts import services, watching
from apps.work.registry import every


@every(30, "alerts.mail")
def _mail() -> int:
    return watching.tell_of_mail()


@every(60, "alerts.channels")
def _channels() -> int:
    return watching.tell_of_channels()


@every(60, "alerts.migrations")
def _migrations() -> int:
    return watching.tell_of_migrations()


@every(3600, "alerts.forget")
def _forget() -> int:
    return services.forget_old()
