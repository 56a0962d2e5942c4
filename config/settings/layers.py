"""Settings that are worked out from others: the channel layer and the mail transport."""

from typing import Any

from django.conf import global_settings

from config.settings.base import DATABASES, EMAIL, REDIS_URL


def channel_layers() -> dict[str, Any]:
    """Redis where there is one, PostgreSQL otherwise."""
    if REDIS_URL:
        layer = "channels_redis.pubsub.RedisPubSubChannelLayer"
        return {"default": {"BACKEND": layer, "CONFIG": {"hosts": [REDIS_URL]}}}
    # The layer reads a whole Django database dict; without TIME_ZONE it fails in silence.
    database = {
        **{k: v for k, v in DATABASES["default"].items() if k in _CONNECTION},
        "ENGINE": "django.db.backends.postgresql",
        "TIME_ZONE": None,
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": False,
        "AUTOCOMMIT": True,
        "ATOMIC_REQUESTS": False,
        "OPTIONS": {},
    }
    layer = "channels_postgres.core.PostgresChannelLayer"
    return {"default": {"BACKEND": layer, "CONFIG": database}}


def email_settings() -> dict[str, Any]:
    """Django's EMAIL_* names from EMAIL_URL; without one, the mailbox at /dev/mail/."""
    return {k: v for k, v in EMAIL.items() if hasattr(global_settings, k)}


_CONNECTION = {"NAME", "USER", "PASSWORD", "HOST", "PORT"}
