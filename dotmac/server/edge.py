"""The edge of a server: what it starts with, and whether it leads to a web process."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from ipaddress import ip_address

from dotmac.edge import EdgeError
from dotmac.edge.probe import wait_until_routed
from dotmac.edge.traefik_config import static_config
from dotmac.server.errors import SetupError
from dotmac.server.marks import OPEN_HEADER, PROCESS_HEADER
from dotmac.server.options import SLOTS, Options

_PATH = "/readyz"
_TIMEOUT_S = 10
_ROUTED_S = 30


@dataclass(frozen=True)
class Answer:
    """What a web process said of itself: whether it is ready, its mark, what it has open."""

    is_ready: bool
    mark: str
    open: int


def _near(options: Options) -> str:
    """An address of this machine on which the edge listens."""
    bind = options.says("EDGE_BIND").strip("[]")
    return bind if bind and not ip_address(bind).is_unspecified else "127.0.0.1"


def write_config(options: Options) -> bool:
    """What Traefik starts with; says whether that changed."""
    bind = options.says("EDGE_BIND")
    config = static_config(
        directory=options.layout.edge,
        http=f"{bind}:{options.port('EDGE_HTTP_PORT')}",
        https=f"{bind}:{options.port('EDGE_HTTPS_PORT')}",
        ping=f"127.0.0.1:{options.port('EDGE_PING_PORT')}",
    )
    file, text = options.layout.edge_config, json.dumps(config, indent=1) + "\n"
    if file.exists() and file.read_text() == text:
        return False
    file.write_text(text)
    file.chmod(0o644)
    return True


def ask(options: Options, slot: str) -> Answer | None:
    """Ask the web process of a slot, past the edge; None when it does not answer."""
    connection = http.client.HTTPConnection("127.0.0.1", options.web_port(slot), timeout=_TIMEOUT_S)
    try:
        connection.request("GET", _PATH, headers={"Host": options.base_domain})
        said = connection.getresponse()
        said.read()
        is_ready = said.status == http.client.OK
        opened = int(said.getheader(OPEN_HEADER) or 0)
        return Answer(is_ready, said.getheader(PROCESS_HEADER) or "", opened)
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def serving(options: Options) -> str | None:
    """The slot that the edge is to lead to; None before the first."""
    try:
        url = options.layout.web_url.read_text().strip()
    except FileNotFoundError:
        return None
    return next((slot for slot in SLOTS if options.web_url(slot) == url), None)


def serve(options: Options, slot: str) -> None:
    """Tell every process where the edge is to lead from now on."""
    new = options.layout.web_url.with_suffix(".new")
    new.write_text(f"{options.web_url(slot)}\n")
    new.chmod(0o644)
    new.replace(options.layout.web_url)


def wait_until_led(options: Options, mark: str) -> None:
    """Wait until requests through the edge reach the web process of this mark; SetupError."""
    try:
        wait_until_routed(
            (_near(options), options.port("EDGE_HTTP_PORT")),
            options.base_domain,
            _PATH,
            deadline_s=_ROUTED_S,
            header=(PROCESS_HEADER, mark),
        )
    except EdgeError as error:
        raise SetupError(
            f"The edge does not lead to the new web process. {error.message}"
        ) from error
