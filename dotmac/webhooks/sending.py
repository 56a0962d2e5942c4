"""Sending a webhook: one POST to a checked address, within a deadline, following nobody."""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import urlsplit

from dotmac.net import OutOfReachError, Reach, connect
from dotmac.net.reach import resolve
from dotmac.telemetry import tracing

TIMEOUT_S = 10.0
# Of an answer so much is read; it is kept to be shown.
ANSWER_BYTES = 2048
_PORTS = {"http": 80, "https": 443}
_AGENT = "DotMac-Webhooks/1"


@dataclass(frozen=True)
class Message:
    """What is sent where."""

    url: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Answer:
    """What came back; no status and an `error` in words when nothing did."""

    status: int | None
    duration_ms: int
    error: str = ""
    text: str = field(default="", repr=False)

    @property
    def is_ok(self) -> bool:
        """Whether the receiver took it: only 2xx does. A redirect is not followed."""
        return self.status is not None and 200 <= self.status < 300


def send(message: Message, reach: Reach, *, timeout_s: float = TIMEOUT_S) -> Answer:
    """POST a message; never raises for what it finds."""
    # The host alone: the rest of an address may be a password.
    place = urlsplit(message.url).hostname or ""
    with tracing.span("webhook POST", kind=tracing.CLIENT, server__address=place) as span:
        answer = _answer(message, reach, timeout_s)
        if answer.status is not None:
            span.note(http__response__status_code=answer.status)
        if not answer.is_ok:
            span.fail("not taken")
        return answer


def _answer(message: Message, reach: Reach, timeout_s: float) -> Answer:
    began = time.monotonic()
    try:
        status, text = _post(message, reach, timeout_s)
    except (OSError, http.client.HTTPException, ValueError) as error:
        spent = time.monotonic() - began
        return Answer(None, round(spent * 1000), _reason(error, is_late=spent >= timeout_s * 0.99))
    return Answer(status, round((time.monotonic() - began) * 1000), _told(status), text)


def check_url(url: str, reach: Reach, *, looks_up: bool = True) -> None:
    """OutOfReachError for an address that can never be sent to: its scheme, name or network."""
    host, port, scheme = _parts(url)
    if scheme != "https" and not reach.everything:
        listed = _is_address(host) and reach.lists(host)
        if not listed:
            raise OutOfReachError(f"{host} is not reached over https.")
    if looks_up or _is_address(host):
        resolve(host, port, reach)


def _post(message: Message, reach: Reach, timeout_s: float) -> tuple[int, str]:
    check_url(message.url, reach, looks_up=False)
    host, port, scheme = _parts(message.url)
    end = time.monotonic() + timeout_s
    line = connect(host, port, reach, timeout_s=timeout_s)
    if scheme == "https":
        # The handshake waits for the guard: wrapping takes the plain socket's place.
        line = _context().wrap_socket(line, server_hostname=host, do_handshake_on_connect=False)
    # A peer that sends a byte now and then never meets the socket's own limit.
    guard = threading.Timer(max(0.05, end - time.monotonic()), _cut, [line])
    guard.daemon = True
    guard.start()
    connection = http.client.HTTPConnection(host, port)
    try:
        if isinstance(line, ssl.SSLSocket):
            line.do_handshake()
        connection.sock = line
        connection.request("POST", _target(message.url), message.body, _headers(message))
        response = connection.getresponse()
        return response.status, response.read(ANSWER_BYTES).decode("utf-8", "replace")
    finally:
        guard.cancel()
        connection.close()
        line.close()


@lru_cache(maxsize=1)
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()


def _cut(connection: socket.socket) -> None:
    try:
        # Of the socket itself: TLS would say goodbye first, and wait.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError:
        # It is over already.
        return


def _headers(message: Message) -> dict[str, str]:
    own = {
        "Host": urlsplit(message.url).netloc,
        "Content-Type": "application/json",
        "User-Agent": _AGENT,
        "Connection": "close",
    }
    return {**own, **message.headers}


def _parts(url: str) -> tuple[str, int, str]:
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or parts.username or parts.password:
        raise OutOfReachError("It is not an https address, or has a name and password in it.")
    return parts.hostname, parts.port or _PORTS[parts.scheme], parts.scheme


def _target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _is_address(host: str) -> bool:
    try:
        socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
    except OSError:
        return False
    return True


def _told(status: int) -> str:
    if 300 <= status < 400:
        return f"It answered {status}; redirects are not followed."
    return "" if 200 <= status < 300 else f"It answered {status}."


def _reason(error: Exception, *, is_late: bool) -> str:
    if is_late or isinstance(error, TimeoutError):
        return "It did not answer in time."
    if isinstance(error, OutOfReachError):
        return str(error)
    if isinstance(error, ssl.SSLError):
        return f"Its certificate or TLS is not valid: {error.reason or 'unknown'}."
    if isinstance(error, ConnectionRefusedError):
        return "Nothing listens there."
    return f"The connection failed: {type(error).__name__}."
