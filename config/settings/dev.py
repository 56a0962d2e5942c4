"""One machine, one command: what `make up` runs."""

from config.settings.base import *  # noqa: F403
from config.settings.base import INSTALLED_APPS, env
from config.settings.layers import channel_layers, email_settings

DEBUG = env.bool("DEBUG", False)
DEVELOPMENT = True
INSTALLED_APPS = [*INSTALLED_APPS]
CHANNEL_LAYERS = channel_layers()
globals().update(email_settings())
