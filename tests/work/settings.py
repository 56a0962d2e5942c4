"""The tests' settings with the demonstration pipelines, for real worker and clock processes."""

from config.settings.test import *  # noqa: F403
from config.settings.test import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS[:-1], "tests.operations.demo", INSTALLED_APPS[-1]]
