"""Refusing what is asked above the limit.

Apart from the limits: the framework imports this while its views are being made.
"""

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from apps.core.api.limits import take


class KeyThrottle(BaseThrottle):
    """Refuses with 429 what a key asks above its limit."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count it; nobody's requests were refused before."""
        who = request.auth or request.user
        uuid = getattr(who, "uuid", None)
        if uuid is None:
            return True
        allowance = request._request.api_allowance = take(str(uuid))  # type: ignore[attr-defined]
        self._reset_s = allowance.reset_s
        return not allowance.is_spent

    def wait(self) -> float:
        """Seconds until it is worth asking again."""
        return self._reset_s
