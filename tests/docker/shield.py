"""The host's firewall as set-up raises it, put back as it was."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from dotmac.engine import firewall


@contextmanager
def shield(*edge_ports: int) -> Iterator[None]:
    """Raised twice, as a second set-up does."""
    kept = {tool: _rules_of(tool) for tool in firewall.families()}
    firewall.raise_shield(edge_ports)
    firewall.raise_shield(edge_ports)
    try:
        yield
    finally:
        firewall.lower_shield()
        assert not any(map(_rules_of, kept))
        for tool, rules in kept.items():
            if rules:
                _restore(tool, rules)


def _rules_of(tool: str) -> list[str]:
    """Ours in one family, without what leads to them."""
    command = [f"{tool}-save", "-t", "filter"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    ours = (f":{firewall.CHAIN} ", f"-A {firewall.CHAIN} ")
    return [line for line in said.splitlines() if line.startswith(ours)]


def _restore(tool: str, rules: list[str]) -> None:
    """Before all other rules, as set-up does it."""
    text = "\n".join(["*filter", *rules, f"-I INPUT -j {firewall.CHAIN}", "COMMIT", ""])
    command = [f"{tool}-restore", "--noflush"]
    subprocess.run(command, input=text, text=True, check=True)
