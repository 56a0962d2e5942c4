"""Names of the cookies that people are signed in by."""

from typing import Any

PREFIX = "__Host-"


def cookie_settings(*, is_secure: bool) -> dict[str, Any]:
    """Over HTTPS by names that no browser takes from another host (RFC 6265bis, 4.1.3.2).

    Without HTTPS browsers refuse such names, so the usual ones stay.
    """
    prefix = PREFIX if is_secure else ""
    return {
        "SESSION_COOKIE_SECURE": is_secure,
        "CSRF_COOKIE_SECURE": is_secure,
        "SESSION_COOKIE_NAME": f"{prefix}sessionid",
        "CSRF_COOKIE_NAME": f"{prefix}csrftoken",
    }
