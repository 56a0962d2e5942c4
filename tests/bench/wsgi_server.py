"""What granian serves by WSGI in the bench: config.server without WebSockets and the loop."""

import gc
from importlib import import_module

from dotmac.telemetry import process

process.become("web")

# Settings read what this process is.
from django.conf import settings  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402

from config.pool import share_connections  # noqa: E402

__all__ = ["application"]

application = get_wsgi_application()
share_connections()
for kind in settings.TENANT_TYPES.values():
    import_module(kind["URLCONF"])
gc.collect()
gc.freeze()
