"""Tests: short leases, a quick password hasher, mail in memory."""

import os
from pathlib import Path

from dev import postgres

os.environ.setdefault("DOTMAC_ROLE", "platform")
if "DATABASE_URL" not in os.environ:
    os.environ["DATABASE_URL"] = postgres.ensure(
        Path(__file__).resolve().parents[2] / "var/test-postgres",
        int(os.environ.get("TEST_DATABASE_PORT", "0")),
        settings=postgres.FORGETFUL,
    )
os.environ.setdefault("FIELD_KEYS", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")

from config import logs
from config.settings.base import *  # noqa: F403
from config.settings.base import INSTALLED_APPS, Q_CLUSTER, VERSION, env

DEVELOPMENT = True
LOGGING = logs.set_up(env.str("LOG_FORMAT", logs.TEXT), "INFO", VERSION)
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
LEASE_SECONDS, HEARTBEAT_SECONDS, REAP_SECONDS = 1.0, 0.25, 0.25
Q_CLUSTER = {**Q_CLUSTER, "sync": False}
ALLAUTH_TRUSTED_PROXY_COUNT = 0
ENGINE_KIND = EDGE_KIND = "fake"
# Else every test client looks through all static files before its first request.
WHITENOISE_AUTOREFRESH = True

INSTALLED_APPS = [*INSTALLED_APPS, "django_migration_linter"]
MIGRATION_LINTER_OPTIONS = {"no_cache": True}
