"""What the clock does for the queue itself."""

from django.conf import settings

from apps.work import beats, retention, services
from apps.work.registry import every


@every(1, "work.wake")
def _wake() -> int:
    return services.wake_due()


@every(services.reap_interval_s(), "work.reap")
def _reap() -> int:
    return services.reap()


@every(retention.EVERY_S, "work.retention")
def _retain() -> None:
    retention.call()


@every(3600, "work.forget")
def _forget() -> int:
    return services.forget_old()


@every(5 * settings.CLOCK_SLOWNESS, "work.beats")
def _beats() -> int:
    return beats.write()
