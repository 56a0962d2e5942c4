"""What a web server serves: the application, with a pool of connections."""

import gc
from importlib import import_module

from django.conf import settings

from config.asgi import application
from config.pool import share_connections

__all__ = ["application"]

share_connections()
# All that lasts as long as the process is loaded now and then left out of collections: else each
# full one walks through it, and whoever asks at that moment waits a tenth of a second.
for kind in settings.TENANT_TYPES.values():
    import_module(kind["URLCONF"])
gc.collect()
gc.freeze()
