"""Refusing what is asked above the limit.

Apart from the limits: the framework imports this while its views are being made.
"""

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from apps.core.api.limits import take, take_unknown


class KeyThrottle(BaseThrottle):
    """Refuses with 429 what a key asks above its limit, or an address without a valid key."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count it once, however often it is asked."""
        below: Any = request._request
        allowance = getattr(below, "api_allowance", None)
        if allowance is None:
            uuid = getattr(request.auth or request.user, "uuid", None)
            allowance = take(str(uuid)) if uuid else take_unknown(below)
            below.api_allowance = allowance
        self._reset_s = allowance.reset_s
        return not allowance.is_spent

    def wait(self) -> float:
        """Seconds until it is worth asking again."""
        return self._reset_s
