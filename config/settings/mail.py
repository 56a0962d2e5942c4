"""Settings that are worked out from others."""

from typing import Any

from django.conf import global_settings

from config.settings.base import EMAIL


def email_settings() -> dict[str, Any]:
    """Django's EMAIL_* names from EMAIL_URL; without one, the mailbox at /dev/mail/."""
    return {k: v for k, v in EMAIL.items() if hasattr(global_settings, k)}
