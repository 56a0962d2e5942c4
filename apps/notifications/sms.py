"""Text messages: one protocol, and the gateway that every provider with an HTTP API fits."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, Queue
from typing import Any, Protocol

import requests

from apps.accounts.providers.net import GuardedSession
from apps.notifications.exceptions import SendError

JSON, FORM = "json", "form"
DEADLINE_S = 20.0
# Answers that a later try may not get: a timeout, and too many at once.
_PASSING = (408, 425, 429)
_TO, _TEXT = "{to}", "{text}"


class Texter(Protocol):
    """Whatever takes a text message."""

    def send(self, *, to: str, text: str) -> None:
        """Hand it over; SendError where it is not taken."""


@dataclass(frozen=True)
class HttpGateway:
    """A provider's HTTP API; `body` is a form or a JSON document with {to} and {text} in it."""

    url: str = field(repr=False)
    method: str
    format: str
    body: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    def send(self, *, to: str, text: str) -> None:
        """One request. The provider's answer may repeat the secret, so only its number is told."""
        status = _within(DEADLINE_S, partial(self._ask, self._content(to, text)))
        if not 200 <= status < 300:
            is_final = 400 <= status < 500 and status not in _PASSING
            raise SendError(f"The SMS gateway answered {status}.", permanent=is_final)

    def _ask(self, content: Mapping[str, Any]) -> int:
        """The number of the answer, of which nothing more is read."""
        with GuardedSession() as session:
            answer = session.request(
                self.method,
                self.url,
                headers=dict(self.headers),
                allow_redirects=False,
                stream=True,
                **content,
            )
            answer.close()
        return answer.status_code

    def _content(self, to: str, text: str) -> dict[str, Any]:
        filled = _filled(parsed_body(self.format, self.body), to, text)
        return {"json": filled} if self.format == JSON else {"data": filled}


def _within(seconds: float, ask: Callable[[], int]) -> int:
    """What `ask` gives, or SendError: also where an answer comes a letter at a time.

    The library's timeout begins anew with each letter, so another thread waits for it.
    """
    came: Queue[int | Exception] = Queue()

    def run() -> None:
        try:
            came.put(ask())
        except (requests.RequestException, ValueError) as error:
            came.put(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        result = came.get(timeout=seconds)
    except Empty:
        raise SendError(f"The SMS gateway did not answer within {seconds:g} s.") from None
    if isinstance(result, Exception):
        raise SendError(f"The SMS gateway was not reached: {type(result).__name__}")
    return result


def parsed_body(format: str, body: str) -> Any:
    """The body's structure, into whose texts number and message go; ValueError for none."""
    if _TO not in body or _TEXT not in body:
        raise ValueError("{to} or {text} is missing")
    if format == JSON:
        try:
            found = json.loads(body)
            # As deep again when it is sent.
            _filled(found, "", "")
            return found
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
    pairs = [line.partition("=") for line in body.splitlines() if line.strip()]
    if any(not equals or not name.strip() for name, equals, _value in pairs):
        raise ValueError("a line is no name=value")
    return {name.strip(): value.strip() for name, _equals, value in pairs}


def _filled(part: Any, to: str, text: str) -> Any:
    """Filled in where the structure is known, so that no message can change it."""
    if isinstance(part, str):
        # In one pass: a message may hold {to} itself.
        return text.join(piece.replace(_TO, to) for piece in part.split(_TEXT))
    if isinstance(part, dict):
        return {name: _filled(value, to, text) for name, value in part.items()}
    if isinstance(part, list):
        return [_filled(value, to, text) for value in part]
    return part
