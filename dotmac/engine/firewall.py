"""Keeps containers off the host's own listeners.

Docker parts its networks from each other, and not the host from them: whatever listens on all of
the host's addresses can be reached from every container, on engines before 28 from internal
networks too. One chain for all stacks closes that; the bridges' names carry the prefix. It is there
for IPv6 as well: a bridge has an address of its link also where its network has none.
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from dotmac.engine.docker_wire import BACK_BRIDGE, FRONT_BRIDGE
from dotmac.engine.errors import EngineError, ErrorCode

CHAIN = "DOTMAC-INPUT"


def rules(edge_ports: Sequence[int]) -> str:
    """Input of iptables-restore: from a front network only the edge is open, from a back nothing.

    Answers to what the host itself began, as the edge's requests, come through.
    """
    edge = (f"-A {CHAIN} -i {FRONT_BRIDGE}+ -p tcp --dport {port} -j RETURN" for port in edge_ports)
    lines = [
        "*filter",
        f":{CHAIN} - [0:0]",
        f"-A {CHAIN} -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN",
        *edge,
        f"-A {CHAIN} -i {FRONT_BRIDGE}+ -j DROP",
        f"-A {CHAIN} -i {BACK_BRIDGE}+ -j DROP",
        "COMMIT",
    ]
    return "\n".join(lines) + "\n"


def families() -> list[str]:
    """The tools of the families of addresses that this machine has."""
    addresses = Path("/proc/net/if_inet6")
    has_ipv6 = addresses.exists() and bool(addresses.read_text().strip())
    return ["iptables", "ip6tables"] if has_ipv6 else ["iptables"]


def raise_shield(edge_ports: Sequence[int]) -> None:
    """Install the rules on this machine, or bring them up to date; needs root."""
    for tool in families():
        _run(f"{tool}-restore", "--noflush", "--wait", stdin=rules(edge_ports))
        if not _is_raised(tool):
            _run(tool, "--wait", "-I", "INPUT", "-j", CHAIN)


def is_raised() -> bool:
    """Whether the host's input passes through the rules, in each family."""
    return all(map(_is_raised, families()))


def _is_raised(tool: str) -> bool:
    check = [tool, "--wait", "-C", "INPUT", "-j", CHAIN]
    return subprocess.run(check, capture_output=True, check=False).returncode == 0


def lower_shield() -> None:
    """Take the rules away again."""
    for tool in filter(_is_raised, families()):
        _run(tool, "--wait", "-D", "INPUT", "-j", CHAIN)
        _run(tool, "--wait", "-F", CHAIN)
        _run(tool, "--wait", "-X", CHAIN)


def _run(*command: str, stdin: str = "") -> None:
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise _refused(f"{command[0]} is not installed") from error
    if done.returncode != 0:
        raise _refused(done.stderr.strip())


def _refused(why: str) -> EngineError:
    return EngineError(
        f"Cannot keep containers off this host's listeners: {why}. "
        "Run this as root on a machine with iptables.",
        permanent=True,
        code=ErrorCode.FAILED,
    )
