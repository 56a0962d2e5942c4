"""Production: refuses to start with a secret that everybody knows."""

from django.core.exceptions import ImproperlyConfigured

from config.settings.base import *  # noqa: F403
from config.settings.base import (
    EMAIL,
    FIELD_KEYS,
    INSECURE_SECRET,
    PLATFORM_SIGNING_KEY,
    ROLE,
    SECRET_KEY,
    env,
)
from config.settings.mail import email_settings

DEVELOPMENT = False
if SECRET_KEY == INSECURE_SECRET or len(SECRET_KEY) < 32:
    raise ImproperlyConfigured(
        "SECRET_KEY is missing or too short. Set it to 50 random characters in the environment."
    )
if not FIELD_KEYS:
    raise ImproperlyConfigured("FIELD_KEYS is empty. Set at least one Fernet key.")
if ROLE == "platform" and not PLATFORM_SIGNING_KEY:
    raise ImproperlyConfigured("PLATFORM_SIGNING_KEY is empty. Set an Ed25519 key in PEM.")
if EMAIL.get("EMAIL_BACKEND") == "apps.core.mailbox.MailboxBackend":
    raise ImproperlyConfigured("EMAIL_URL is missing. Name a mail server, smtp+tls://user@host.")

SECURE_COOKIES = env.bool("SECURE_COOKIES", True)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_COOKIES
globals().update(email_settings())
