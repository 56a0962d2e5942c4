"""The ASGI application: HTTP by Django, WebSockets by Channels, each in its tenant's schema."""

import os

import django
from channels.routing import ProtocolTypeRouter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
django.setup(set_prefix=False)

# Both import models, so only now.
from config.http import ThreadedHandler  # noqa: E402
from config.open_requests import Counted  # noqa: E402
from config.websockets import application as _websockets  # noqa: E402

requests = Counted(ThreadedHandler())
application = ProtocolTypeRouter({"http": requests, "websocket": _websockets})
