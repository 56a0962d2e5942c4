"""A connection to one Docker engine: made when first needed, shared by the threads."""

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import docker
import requests
from docker.tls import TLSConfig
from docker.utils import version_lt
from requests.adapters import HTTPAdapter

from dotmac.engine import fence
from dotmac.engine.errors import EngineError, ErrorCode
from dotmac.telemetry import tracing

OLDEST_API = "1.41"
NEWEST_API = "1.47"
CONNECT_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class TLSFiles:
    """The client's certificate and key, and the CA that signed the engine's."""

    ca: Path
    cert: Path
    key: Path


class DockerConnection:
    """Hands out an APIClient that speaks a version which both sides know."""

    def __init__(
        self, base_url: str, *, timeout_s: float, tls: TLSFiles | None, pool_size: int
    ) -> None:
        self.base_url = base_url
        self._timeout_s = timeout_s
        self._tls = tls
        self._pool_size = pool_size
        self._lock = threading.Lock()
        self._client: docker.APIClient | None = None
        self._pid = 0

    def client(self) -> docker.APIClient:
        """The shared client; a forked child gets its own, since sockets cannot be shared."""
        client = self._client
        if client is not None and self._pid == os.getpid():
            return client
        with self._lock:
            if self._client is None or self._pid != os.getpid():
                self._client, self._pid = self._connect(), os.getpid()
            return self._client

    def reset(self) -> None:
        """Forget the client, so that the next call asks the engine for its version again."""
        with self._lock:
            self._client = None

    def close(self) -> None:
        """Close the pooled connections; the next call opens new ones."""
        client = self._client
        self.reset()
        if client is not None:
            client.close()

    def _connect(self) -> docker.APIClient:
        client = self._open(OLDEST_API)
        served = client.version(api_version=False)
        version = negotiate(served["ApiVersion"], served.get("MinAPIVersion", OLDEST_API))
        return client if version == OLDEST_API else self._open(version)

    def _open(self, version: str) -> docker.APIClient:
        client = _FencedClient(
            base_url=self.base_url,
            version=version,
            timeout=self._timeout_s,  # type: ignore[arg-type]  # a float is fine
            tls=self._tls_config(),
            max_pool_size=self._pool_size,
        )
        # The environment's proxies and REQUESTS_CA_BUNDLE are not meant for the engine.
        client.trust_env = False
        if not self.base_url.startswith("unix://"):
            adapter = _PromptAdapter(pool_maxsize=self._pool_size)
            client.mount("http://", adapter)
            client.mount("https://", adapter)
        return client

    def _tls_config(self) -> TLSConfig | bool:
        if self._tls is None:
            return False
        pair = (str(self._tls.cert), str(self._tls.key))
        return TLSConfig(client_cert=pair, ca_cert=str(self._tls.ca), verify=True)


class _FencedClient(docker.APIClient):
    """Asks the fence before every request, since one act on a container is several."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        fence.check()
        path = urlsplit(request.url or "").path
        facts = {"http__request__method": request.method or "", "url__path": path}
        with tracing.span(f"docker {request.method}", kind=tracing.CLIENT, **facts) as span:
            response = super().send(request, **options)
            span.note(http__response__status_code=response.status_code)
            return response


class _PromptAdapter(HTTPAdapter):
    """Gives up connecting after some seconds, however long the answer itself may take."""

    def send(
        self, request: requests.PreparedRequest, *args: Any, **options: Any
    ) -> requests.Response:
        options["timeout"] = (CONNECT_TIMEOUT_S, options.get("timeout"))
        return super().send(request, *args, **options)


def negotiate(newest: str, oldest: str) -> str:
    """The API version to speak with an engine that serves these two and all between.

    A newer engine is spoken to in the newest version known here, or its oldest if that is newer.
    """
    if version_lt(newest, OLDEST_API):
        raise EngineError(
            f"The Docker engine speaks API {newest}, and {OLDEST_API} is needed: "
            "upgrade it to Docker 20.10 or newer.",
            permanent=True,
            code=ErrorCode.UNSUPPORTED,
        )
    common = newest if version_lt(newest, NEWEST_API) else NEWEST_API
    return oldest if version_lt(common, oldest) else common
