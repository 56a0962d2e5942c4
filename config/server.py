"""What a web server serves: the application, with a pool of connections."""

import gc
import sys
from importlib import import_module

from dotmac.telemetry import process

# What is loaded is no garbage: a fifth of the start would go into looking for some.
gc.disable()
process.become("web")

# Settings read what this process is.
from django.conf import settings  # noqa: E402

from config.asgi import application  # noqa: E402
from config.pool import share_connections  # noqa: E402

__all__ = ["application"]

share_connections()
if program := sys.modules.get("daphne.cli"):
    from config.draining import DrainingServer

    # The command stays daphne's own: units are written by the newest release for older ones too.
    program.CommandLineInterface.server_class = DrainingServer
# All that lasts as long as the process is loaded now and then left out of collections: else each
# full one walks through it, and whoever asks at that moment waits a tenth of a second.
for kind in settings.TENANT_TYPES.values():
    import_module(kind["URLCONF"])
gc.collect()
gc.freeze()
gc.enable()
