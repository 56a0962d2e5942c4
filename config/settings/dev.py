"""One machine, one command: what `make up` runs."""

from config import logs
from config.settings.base import *  # noqa: F403
from config.settings.base import INSTALLED_APPS, VERSION, env
from config.settings.mail import email_settings

DEBUG = env.bool("DEBUG", False)
DEVELOPMENT = True
INSTALLED_APPS = ["dev", *INSTALLED_APPS]
LOGGING = logs.set_up(env.str("LOG_FORMAT", logs.TEXT), env.str("LOG_LEVEL", "INFO"), VERSION)
globals().update(email_settings())
