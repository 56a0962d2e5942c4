"""What is left to a person after an installation, and what it would do before one."""

from __future__ import annotations

import os
import shutil
import socket
from ipaddress import ip_address

from dotmac.server import database, machine, offsite, proc, releases
from dotmac.server.environment import NEEDED_BYTES
from dotmac.server.errors import SetupError
from dotmac.server.laying import source_of
from dotmac.server.options import PORTS, Options
from dotmac.server.terminal import BOLD, Terminal

# Nothing is sent there: it only tells which address leads outside. For documentation (RFC 5737 and
# 3849).
_OUTSIDE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}


def show(options: Options, terminal: Terminal, link: str, unsafe: str) -> None:
    """After an installation: how to come in, and what only its owner can do.

    `unsafe` is why it is backed up nowhere, if it is not.
    """
    https = options.port("EDGE_HTTPS_PORT")
    terminal.line()
    terminal.line(
        f"  {terminal.paint('DotMac serves', BOLD)} https://{options.base_domain}{_shown(https)}/"
    )
    if link:
        terminal.line(f"  Choose the operator's password here; the link is good once: {link}")
    terminal.line()
    terminal.line(f"  {terminal.paint('Left to do', BOLD)}")
    for line in (*names(options), *openings(options)):
        terminal.line(f"  {line}")
    if unsafe:
        terminal.warn(unsafe)
    for line in missing(options):
        terminal.warn(line)
    terminal.line()
    terminal.line("  dotmac status, dotmac upgrade, dotmac rollback; docs/guides/install.md")


def names(options: Options) -> list[str]:
    """The records that lead to this machine, by each way on which the edge listens."""
    base, apps = options.base_domain, options.apps_domain
    kinds = [("A", address(options, socket.AF_INET)), ("AAAA", address(options, socket.AF_INET6))]
    found = [(kind, where) for kind, where in kinds if where] or [("A", "this machine's address")]
    return [
        f"DNS       {name:<36} {kind:<4} {where}"
        for name in (base, f"*.{base}", apps, f"*.{apps}")
        for kind, where in found
    ]


def openings(options: Options) -> list[str]:
    """What a firewall lets in, by IPv4 and by IPv6: one without rules for IPv6 closes nothing."""
    http, https = options.port("EDGE_HTTP_PORT"), options.port("EDGE_HTTPS_PORT")
    inner = ", ".join(str(options.port(name)) for name in PORTS if not name.startswith("EDGE_HTTP"))
    inner += f" and {options.database_port}"
    return [
        f"Firewall  open {http} and {https} (TCP) to everybody, 22 to yourself",
        f"          close all else; {inner} listen on this machine alone",
        "          all of this for IPv4 and for IPv6, which has rules of its own and needs ICMPv6:",
        "          docs/guides/install.md has a table of nftables for both",
    ]


def missing(options: Options) -> list[str]:
    """What the platform lacks to be trusted with customers."""
    found = []
    if not options.says("EMAIL_URL"):
        found.append("Mail: none leaves. Nobody can sign up. Set EMAIL_URL and install again.")
    return [*found, *_certificates(options)]


def _certificates(options: Options) -> list[str]:
    """What keeps certificates from coming from an authority, or makes them come slowly."""
    # Without both no authority is asked (apps.certificates.environment).
    lacking = [] if options.says("ACME_DIRECTORY") else ["ACME_DIRECTORY"]
    lacking += [] if options.is_on("ACME_ACCEPTS_TERMS") else ["ACME_ACCEPTS_TERMS"]
    if lacking:
        return [
            "Certificates: of a local authority, so browsers warn. Set "
            f"{' and '.join(lacking)} (ACME_DIRECTORY=letsencrypt, and ACME_ACCEPTS_TERMS=1 if you "
            "accept its terms of service) and install again; or set an authority up on the "
            "operator's page “Certificate authority”; or put certificate.pem and key.pem into "
            f"{options.layout.keys} and run `dotmac manage platform_prepare`."
        ]
    if not options.says("DNS_PROVIDER"):
        return [
            "Certificates: one for each host, proved over port 80, some seconds after it is there; "
            "authorities limit how many they issue in a week. DNS_PROVIDER and the other DNS_… of "
            "docs/guides/certificates.md get wildcards instead."
        ]
    return []


def preview(options: Options, terminal: Terminal) -> bool:
    """What an installation would do here; changes nothing. Whether it could."""
    is_good = True
    for what, problem in _findings(options):
        is_good = is_good and not problem
        (terminal.fail if problem else terminal.line)(
            f"{what}: {problem}" if problem else f"  - {what}"
        )
    if not (releases.linked(options.layout.current) or _says_where(options)):
        terminal.warn(offsite.without(options))
    for line in missing(options):
        terminal.warn(line)
    return is_good


def _says_where(options: Options) -> bool:
    return bool(options.says("BACKUP_TARGET" if options.keeps_database else "BACKUP_COMMAND"))


def _findings(options: Options) -> list[tuple[str, str]]:
    """Each thing it would do, and what keeps it from that."""
    layout = options.layout
    found = [(f"serve {options.base_domain or '?'} and {options.apps_domain or '?'}", "")]
    lacking = machine.missing_packages(options)
    found.append(
        (f"install packages: {' '.join(lacking)}" if lacking else "packages: all there", "")
    )
    if not machine.has_user(options):
        found.append((f"make the user {options.user}", ""))
    secrets = "keep" if layout.env_file.exists() else "write"
    found.append((f"{secrets} settings and secrets in {layout.env_file}", ""))
    if options.has_own_database:
        is_there = not lacking and os.geteuid() == 0 and database.is_there(options)
        found.append((f"{'keep' if is_there else 'make'} PostgreSQL's role and database", ""))
    found.append(_laying(options))
    found += _ports(options)
    free = shutil.disk_usage(_existing(options)).free
    small = f"only {free / 10**9:.1f} GB are free, needed are {NEEDED_BYTES / 10**9:.0f} GB"
    found.append((f"disk at {layout.home}", small if free < NEEDED_BYTES else ""))
    return found


def _laying(options: Options) -> tuple[str, str]:
    current = releases.linked(options.layout.current)
    if current:
        return f"keep release {current.name}", ""
    try:
        release = releases.of_source(options.layout, source_of(options))
    except SetupError as error:
        return "lay out the release", str(error)
    return f"lay out release {release.name} in {release.home}", ""


def _ports(options: Options) -> list[tuple[str, str]]:
    """Those that something else holds; once installed they are our own."""
    if releases.linked(options.layout.current):
        return []
    rows = []
    for name in PORTS:
        port = options.port(name)
        holder = proc.port_holder(port)
        rows.append((f"listen on port {port}", f"it is taken by {holder}" if holder else ""))
    return rows


def _existing(options: Options) -> str:
    folder = options.layout.home
    while not folder.exists():
        folder = folder.parent
    return str(folder)


def address(options: Options, family: socket.AddressFamily) -> str:
    """This machine's own, as far as it knows, and where the edge listens to it; "" without one.

    Behind a router that translates it is another.
    """
    bind = options.says("EDGE_BIND").strip("[]")
    if bind and not ip_address(bind).is_unspecified:
        is_of_family = (ip_address(bind).version == 6) == (family == socket.AF_INET6)
        return bind if is_of_family else ""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((_OUTSIDE[family], 9))
            return str(probe.getsockname()[0])
    except OSError:
        return ""


def _shown(port: int) -> str:
    return "" if port == 443 else f":{port}"
