"""One machine, one command: what `make up` runs."""

from config.settings.base import *  # noqa: F403
from config.settings.base import INSTALLED_APPS, env
from config.settings.mail import email_settings

DEBUG = env.bool("DEBUG", False)
DEVELOPMENT = True
INSTALLED_APPS = ["dev", *INSTALLED_APPS]
globals().update(email_settings())
