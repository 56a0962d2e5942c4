"""Loading before the fork what every child needs, so that they share its memory."""

from django.conf import settings
from django.urls import get_resolver

import config.asgi  # noqa: F401 - loads the middleware and what it needs


def load() -> None:
    """The workspace's pages, which import their views, forms and admin."""
    get_resolver(str(settings.TENANT_TYPES["workspace"]["URLCONF"])).url_patterns  # noqa: B018
