"""What a person sees when the platform answers: addresses, log-ins, how to trust the CA."""

from __future__ import annotations

from dev.up.options import Options
from dotmac.server.terminal import BOLD, DIM, Terminal

PASSWORD = "dotmac-demo"


def show(options: Options, terminal: Terminal, *, seconds: float, has_docker: bool) -> None:
    """Print the table."""
    terminal.line()
    terminal.line(f"  {terminal.paint('DotMac is ready', BOLD)} after {seconds:.1f} s")
    terminal.line()
    for name, address, login in rows(options, has_docker=has_docker):
        terminal.line(f"  {name:<18} {address:<44} {terminal.paint(login, DIM)}")
    terminal.line()
    terminal.line("  make trust   has this machine and its browsers trust the https:// addresses")
    terminal.line("  make down    or Ctrl-C ends all of it; Docker and its containers stay")
    terminal.line()


def rows(options: Options, *, has_docker: bool) -> list[tuple[str, str, str]]:
    """Name, address and log-in of each place worth a visit; Acme's needs containers."""
    http, https = options.port("EDGE_HTTP_PORT"), options.port("EDGE_HTTPS_PORT")
    base, apps = f"{options.base_domain}:{http}", f"{options.apps_domain}:{https}"
    isps = [("Hilltop Wireless", "hilltop"), *([("Acme Fiber", "acme")] if has_docker else [])]
    places = [
        ("Front page", f"http://localhost:{http}/", ""),
        ("Operator", f"http://{base}/admin/", f"operator@{options.base_domain} / {PASSWORD}"),
    ]
    for name, slug in isps:
        places.append((name, f"http://{slug}.{base}/", f"owner@{slug}.example / {PASSWORD}"))
        places.append(("  workspace", f"https://{slug}.{apps}/", ""))
    return [*places, ("Mailbox", f"http://{base}/dev/mail/", "")]
