"""The host's firewall as set-up raises it, put back as it was."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from dotmac.engine import firewall


@contextmanager
def shield(*edge_ports: int) -> Iterator[None]:
    """Raised twice, as a second set-up does."""
    was_raised = firewall.is_raised()
    kept = [line for line in _saved().splitlines() if _is_ours(line)]
    firewall.raise_shield(edge_ports)
    firewall.raise_shield(edge_ports)
    try:
        yield
    finally:
        if was_raised:
            _restore("\n".join(["*filter", *kept, "COMMIT", ""]))
        else:
            firewall.lower_shield()
            assert not firewall.is_raised()


def _is_ours(line: str) -> bool:
    return line.startswith((f":{firewall.CHAIN} ", f"-A {firewall.CHAIN} "))


def _saved() -> str:
    command = ["iptables-save", "-t", "filter"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _restore(rules: str) -> None:
    subprocess.run(["iptables-restore", "--noflush"], input=rules, text=True, check=True)
