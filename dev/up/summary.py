"""What a person sees when the platform answers: addresses, log-ins, how to trust the CA."""

from __future__ import annotations

from dev.terminal import BOLD, DIM, Terminal
from dev.up.options import Options

PASSWORD = "dotmac-demo"


def show(options: Options, terminal: Terminal, *, seconds: float) -> None:
    """Print the table."""
    terminal.line()
    terminal.line(f"  {terminal.paint('DotMac is ready', BOLD)} after {seconds:.1f} s")
    terminal.line()
    for name, address, login in rows(options):
        terminal.line(f"  {name:<18} {address:<44} {terminal.paint(login, DIM)}")
    terminal.line()
    terminal.line("  make trust   has this machine and its browsers trust the https:// addresses")
    terminal.line("  make down    or Ctrl-C ends all of it; Docker and its containers stay")
    terminal.line()


def rows(options: Options) -> list[tuple[str, str, str]]:
    """Name, address and log-in of each place worth a visit."""
    http, https = options.port("EDGE_HTTP_PORT"), options.port("EDGE_HTTPS_PORT")
    base, apps = f"{options.base_domain}:{http}", f"{options.apps_domain}:{https}"
    return [
        ("Front page", f"http://localhost:{http}/", ""),
        ("Operator", f"http://{base}/admin/", f"operator@{options.base_domain} / {PASSWORD}"),
        ("Acme Fiber", f"http://acme.{base}/", f"owner@acme.example / {PASSWORD}"),
        ("  workspace", f"https://acme.{apps}/", ""),
        ("Hilltop Wireless", f"http://hilltop.{base}/", f"owner@hilltop.example / {PASSWORD}"),
        ("  workspace", f"https://hilltop.{apps}/", ""),
        ("Mailbox", f"http://{base}/dev/mail/", ""),
    ]
