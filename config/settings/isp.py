"""A dedicated workspace in its own containers: production, with its own keys and its own mail."""

from django.core.exceptions import ImproperlyConfigured

from config.settings.base import *  # noqa: F403
from config.settings.base import (
    EMAIL,
    FIELD_KEYS,
    INSECURE_SECRET,
    INSTALLED_APPS,
    MAILBOX,
    Q_CLUSTER,
    ROLE,
    SECRET_KEY,
    env,
)
from config.settings.cookies import cookie_settings
from config.settings.mail import email_settings

DEVELOPMENT = False
if ROLE != "isp":
    raise ImproperlyConfigured("These settings are a workspace's. Set DOTMAC_ROLE=isp.")
if SECRET_KEY == INSECURE_SECRET or len(SECRET_KEY) < 32:
    raise ImproperlyConfigured(
        "SECRET_KEY is missing or too short. Set it to 50 random characters in the environment."
    )
if not FIELD_KEYS:
    raise ImproperlyConfigured("FIELD_KEYS is empty. Set at least one Fernet key.")

INSTALLED_APPS = ["config.isp", *INSTALLED_APPS]
# Hundreds of these share a host, mostly idle: a job may wait half a second.
Q_CLUSTER = {**Q_CLUSTER, "workers": env.int("WORKERS", 1), "poll": 0.5, "guard_cycle": 5}
CLOCK_SLOWNESS = 4.0
# Collected when the image was built.
WHITENOISE_USE_FINDERS = False
globals().update(cookie_settings(is_secure=True))
globals().update(email_settings())
if EMAIL["EMAIL_BACKEND"] == MAILBOX and env.str("MAIL_CAUGHT", "0") != "1":
    # Nobody looks into a container's files: what cannot leave says so (core.mailbox).
    EMAIL_BACKEND = "apps.core.mailbox.NoServerBackend"
