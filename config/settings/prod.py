"""Production: refuses to start with a secret that everybody knows."""

from django.core.exceptions import ImproperlyConfigured

from config.settings.base import *  # noqa: F403
from config.settings.base import (
    EDGE_HTTPS_PORT,
    EMAIL,
    FIELD_KEYS,
    INSECURE_SECRET,
    MAILBOX,
    PLATFORM_SIGNING_KEY,
    ROLE,
    SECRET_KEY,
    env,
)
from config.settings.cookies import cookie_settings
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
_HAS_NO_MAIL = EMAIL["EMAIL_BACKEND"] == MAILBOX
if _HAS_NO_MAIL and not env.bool("WITHOUT_MAIL", False):
    raise ImproperlyConfigured(
        "EMAIL_URL is missing. Name a mail server, smtp+tls://user@host, or set WITHOUT_MAIL=1:"
        " then nothing that needs a mail works, and says so."
    )

SECURE_COOKIES = env.bool("SECURE_COOKIES", True)
globals().update(cookie_settings(is_secure=SECURE_COOKIES))
# Over plain HTTP nobody could sign in with such cookies. Probes and the answers to an authority of
# certificates are given before this is asked; on other ports the address would be a wrong one.
SECURE_SSL_REDIRECT = SECURE_COOKIES and EDGE_HTTPS_PORT == 443
# A year, by the edge (dotmac.edge): browsers that came by HTTPS once come by nothing else.
HSTS_SECONDS = env.int("HSTS_SECONDS", 31_536_000 if SECURE_SSL_REDIRECT else 0)
# Collected when the release was laid out.
WHITENOISE_USE_FINDERS = env.bool("WHITENOISE_USE_FINDERS", False)
globals().update(email_settings())
if _HAS_NO_MAIL:
    EMAIL_BACKEND = "apps.core.mailbox.NoServerBackend"
