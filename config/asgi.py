"""The ASGI application: HTTP by Django, WebSockets by Channels, each in its tenant's schema."""

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
_http = get_asgi_application()

# Consumers import models, so only now.
from config.websockets import application as _websockets  # noqa: E402

application = ProtocolTypeRouter({"http": _http, "websocket": _websockets})
