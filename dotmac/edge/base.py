"""The edge as the platform sees it: the routes it shall have, all at once."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from dotmac.crypto.secret import Secret

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOSTNAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*")
_MARK = re.compile(r"[a-z0-9-]{0,64}")
MARK_HEADER = "X-DotMac-Deployment"
_NOTICE = re.compile(r"[a-z][a-z0-9-]*")


class EdgeError(Exception):
    """The edge could not do it; `permanent` says that the same call will fail again."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.message = message
        self.permanent = permanent


@dataclass(frozen=True)
class Upstream:
    """Where requests go; of several, each gets its weight's share, and none at weight 0."""

    url: str
    weight: int = 1

    def __post_init__(self) -> None:
        if self.weight < 0:
            raise EdgeError(f"{self.weight} is not a weight.", permanent=True)
        _check_url(self.url)


@dataclass(frozen=True)
class Route:
    """A hostname's way: to its upstreams, to a notice of the platform, or to another URL.

    What its upstreams answer carries the `mark` in MARK_HEADER: by it one knows that the edge
    has this route and not the one before.
    """

    hostname: str
    upstreams: tuple[Upstream, ...] = ()
    tls: bool = True
    notice: str | None = None
    redirect_to: str | None = None
    mark: str = ""

    def __post_init__(self) -> None:
        _check_hostname(self.hostname)
        if self.notice is not None and not _NOTICE.fullmatch(self.notice):
            raise EdgeError(f"{self.notice!r} is not the name of a notice.", permanent=True)
        if self.redirect_to is not None:
            _check_url(self.redirect_to)


@dataclass(frozen=True)
class Certificate:
    """A certificate on this machine, for names of which the first label may be `*`."""

    hostnames: tuple[str, ...]
    cert_path: Path
    key_path: Path
    # Shown only for names that no other certificate is for.
    is_fallback: bool = False

    def covers(self, hostname: str) -> bool:
        """Whether a client that asks for this name, or this wildcard, accepts it."""
        wildcard = "*." + hostname.partition(".")[2]
        return hostname in self.hostnames or wildcard in self.hostnames


@dataclass(frozen=True)
class KeptCertificate:
    """A chain and its key in PEM, which the edge writes to files of its own."""

    hostnames: tuple[str, ...]
    chain: str = field(repr=False)
    key: Secret = field(repr=False)


@dataclass(frozen=True)
class PlatformRoutes:
    """The platform's own addresses; the ports are those that a browser uses.

    Where there is a `web_url_file`, its text goes before `web_url`: on a server the web process
    moves with each release, and processes that began before shall not lead back to the old one.

    `hsts_s` is for how long browsers shall ask hosts of the two domains by HTTPS alone; 0 says
    nothing of it. Never for other hosts: who takes a domain elsewhere may have no HTTPS there.
    """

    base_domain: str
    apps_domain: str
    web_url: str
    http_port: int = 80
    https_port: int = 443
    web_url_file: Path | None = None
    hsts_s: int = 0

    def __post_init__(self) -> None:
        _check_hostname(self.base_domain)
        _check_hostname(self.apps_domain)
        _check_url(self.web_url)

    def has(self, hostname: str) -> bool:
        """Whether a host is one of its domains, or below one."""
        domains = (self.base_domain, self.apps_domain)
        return hostname in domains or hostname.endswith(tuple(f".{one}" for one in domains))

    def now(self) -> "PlatformRoutes":
        """These with the address that the file tells at this moment; EdgeError for a bad one."""
        try:
            told = self.web_url_file.read_text().strip() if self.web_url_file else ""
        except FileNotFoundError:
            told = ""
        except OSError as error:
            raise EdgeError(
                f"Cannot read {self.web_url_file}, which tells where the platform's web process "
                f"is: {error.strerror}.",
                permanent=False,
            ) from error
        return replace(self, web_url=told) if told else self


class Edge(Protocol):
    """Something that routes."""

    def apply(
        self, routes: Iterable[Route], certificates: Iterable[Certificate | KeptCertificate]
    ) -> bool:
        """Have exactly these routes; says whether that was a change. Raises EdgeError."""


def _check_hostname(hostname: str) -> None:
    """Hostnames come from users and go into rules: nothing else may get through."""
    if not _HOSTNAME.fullmatch(hostname):
        raise EdgeError(f"{hostname!r} is not a hostname.", permanent=True)


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good:
        raise EdgeError(f"{url!r} is not an http or https URL.", permanent=True)
