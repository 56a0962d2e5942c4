"""The tests' settings with pages of these tests in each console."""

from config.settings.test import *  # noqa: F403

TENANT_TYPES["console"]["URLCONF"] = "tests.server.web_urls"  # noqa: F405
