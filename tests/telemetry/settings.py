"""The tests' settings with pipelines of these tests, for real web, worker and clock processes."""

from config.settings.test import *  # noqa: F403
from config.settings.test import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS[:-1], "tests.telemetry.engine", INSTALLED_APPS[-1]]
# A page whose route does not matter must not be slowed by them.
SPARE_SCHEMAS = 0
