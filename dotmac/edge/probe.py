"""Ask the edge for a hostname, as a browser would, without asking a resolver."""

import http.client
import socket
import ssl
import time
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from dotmac.edge.base import EdgeError

SUCCESS = range(200, 400)
_DEFAULT_PORTS = (80, 443)
_EVERY_S = 0.02
_ENOUGH_BYTES = 65536


@dataclass(frozen=True)
class ProbeResult:
    """What came back; no status and an `error` when nothing did. Header names are lower case."""

    status: int | None
    ok: bool
    elapsed_ms: float
    error: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def probe(
    address: tuple[str, int],
    hostname: str,
    path: str = "/",
    *,
    tls: Path | None = None,
    timeout_s: float = 5,
    expect: Container[int] = SUCCESS,
    header: tuple[str, str] | None = None,
) -> ProbeResult:
    """GET a path from the edge at `address` under this name; never raises for what it finds.

    `tls` is the file of the CA that the certificate must come from; without it plain HTTP is
    spoken. It is ok when the status is expected, and the header, if asked for, has that value.
    """
    started = time.monotonic()
    try:
        status, headers = _get(address, hostname, path, tls, timeout_s)
    except (OSError, http.client.HTTPException) as error:
        return ProbeResult(None, False, _elapsed_ms(started), str(error) or type(error).__name__)
    problem = _problem(status, headers, expect, header)
    return ProbeResult(status, not problem, _elapsed_ms(started), problem, headers)


def wait_until_routed(
    address: tuple[str, int],
    hostname: str,
    path: str = "/",
    *,
    deadline_s: float,
    tls: Path | None = None,
    timeout_s: float = 5,
    expect: Container[int] = SUCCESS,
    header: tuple[str, str] | None = None,
) -> ProbeResult:
    """Probe every 20 ms until it is ok; raises EdgeError when that takes longer than a deadline."""
    end = time.monotonic() + deadline_s
    while True:
        left_s = max(0.05, end - time.monotonic())
        result = probe(
            address,
            hostname,
            path,
            tls=tls,
            timeout_s=min(timeout_s, left_s),
            expect=expect,
            header=header,
        )
        if result.ok:
            return result
        if time.monotonic() + _EVERY_S > end:
            raise EdgeError(
                f"{hostname} does not answer through the edge after {deadline_s:g} seconds: "
                f"{result.error}",
                permanent=False,
            )
        time.sleep(_EVERY_S)


def _problem(
    status: int,
    headers: Mapping[str, str],
    expect: Container[int],
    header: tuple[str, str] | None,
) -> str:
    if status not in expect:
        return f"It answered with status {status}, which is not what was expected."
    if header is not None and headers.get(header[0].lower()) != header[1]:
        return f"Its answer does not have the header {header[0]}: {header[1]}."
    return ""


def _get(
    address: tuple[str, int], hostname: str, path: str, tls: Path | None, timeout_s: float
) -> tuple[int, dict[str, str]]:
    connection = http.client.HTTPConnection(*address, timeout=timeout_s)
    connection.sock = _connect(address, hostname, tls, timeout_s)
    host = hostname if address[1] in _DEFAULT_PORTS else f"{hostname}:{address[1]}"
    try:
        connection.request("GET", path, headers={"Host": host, "Connection": "close"})
        response = connection.getresponse()
        response.read(_ENOUGH_BYTES)
        return response.status, {name.lower(): value for name, value in response.getheaders()}
    finally:
        connection.close()


def _connect(
    address: tuple[str, int], hostname: str, tls: Path | None, timeout_s: float
) -> socket.socket:
    plain = socket.create_connection(address, timeout=timeout_s)
    if tls is None:
        return plain
    try:
        return _trusting(tls, tls.stat().st_mtime_ns).wrap_socket(plain, server_hostname=hostname)
    except BaseException:
        plain.close()
        raise


@lru_cache(maxsize=8)
def _trusting(ca: Path, _changed_at: int) -> ssl.SSLContext:
    """A context that trusts one CA file, read again when the file has changed."""
    return ssl.create_default_context(cafile=str(ca))


def _elapsed_ms(started: float) -> float:
    return (time.monotonic() - started) * 1000
