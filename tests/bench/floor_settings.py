"""The platform with a workspace's floor beside its API, and no limit on a key."""

from config.settings.dev import *  # noqa: F403

API_REQUESTS_PER_MINUTE = 1_000_000
TENANT_TYPES["workspace"]["URLCONF"] = "tests.bench.floor"  # noqa: F405
