"""The wire to an authority: it waits as long as asked, and tries nonces that are refused again."""

import time
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, cast

import requests
from acme import client, messages
from josepy import ES256
from josepy.jwk import JWKEC

from dotmac.acme.errors import AcmeError

_AGENT = "DotMac-ACME/1"
# The library tries a refused nonce once more; one in twenty is refused twice by an authority that
# several servers speak for.
_NONCE_TRIES = 12
_TOO_MANY = (429, 503)
_PAUSE_S = 60.0
_LONGEST_PAUSE_S = 7 * 86_400.0


class Network(client.ClientNetwork):
    """Requests that are signed with an account's key (ECDSA P-256)."""

    def __init__(self, key: JWKEC, *, roots: Path | None, timeout_s: float) -> None:
        # The library hands it to requests, which takes a file of roots as well.
        verify = cast(bool, str(roots) if roots else True)
        super().__init__(key, alg=ES256, verify_ssl=verify, user_agent=_AGENT)
        # Typed as whole seconds there, while requests takes any.
        self._default_timeout = cast(int, timeout_s)

    def post(self, *args: Any, **kwargs: Any) -> requests.Response:
        """POST, again with another nonce where the first was not taken."""
        for _turn in range(_NONCE_TRIES):
            try:
                return self._post_once(*args, **kwargs)
            except messages.Error as error:
                if error.code != "badNonce":
                    raise
        raise AcmeError(f"The authority refused {_NONCE_TRIES} nonces in a row.", code="badNonce")

    def _send_request(self, method: str, url: str, *args: Any, **kwargs: Any) -> requests.Response:
        response = super()._send_request(method, url, *args, **kwargs)
        if response.status_code in _TOO_MANY:
            raise _told_to_wait(response)
        return response


def _told_to_wait(response: requests.Response) -> AcmeError:
    pause = retry_after(response)
    try:
        said = str(response.json().get("detail") or "")
    except (ValueError, AttributeError):
        said = ""
    text = f"The authority asks to wait ({response.status_code}). {said}".strip()
    code = "rateLimited" if response.status_code == _TOO_MANY[0] else "unavailable"
    return AcmeError(text, code=code, retry_after_s=_PAUSE_S if pause is None else pause)


def retry_after(response: requests.Response) -> float | None:
    """Seconds that an answer asks to wait; None where it says nothing that can be read."""
    said = response.headers.get("Retry-After", "").strip()
    if not said:
        return None
    try:
        seconds = float(said) if said.isdigit() else _until(said)
    except (ValueError, TypeError):
        return None
    return min(max(seconds, 0.0), _LONGEST_PAUSE_S)


def _until(date: str) -> float:
    return parsedate_to_datetime(date).timestamp() - time.time()
