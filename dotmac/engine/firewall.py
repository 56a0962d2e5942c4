"""Keeps containers off the host's own listeners.

Docker parts its networks from each other, and not the host from them: whatever listens on all of
the host's addresses can be reached from every container, on engines before 28 from internal
networks too. One chain for all stacks closes that; the bridges' names carry the prefix.
"""

import subprocess
from collections.abc import Sequence

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


def raise_shield(edge_ports: Sequence[int]) -> None:
    """Install the rules on this machine, or bring them up to date; needs root."""
    _iptables("iptables-restore", "--noflush", "--wait", stdin=rules(edge_ports))
    if not is_raised():
        _iptables("iptables", "--wait", "-I", "INPUT", "-j", CHAIN)


def is_raised() -> bool:
    """Whether the host's input passes through the rules."""
    check = ["iptables", "--wait", "-C", "INPUT", "-j", CHAIN]
    return subprocess.run(check, capture_output=True, check=False).returncode == 0


def lower_shield() -> None:
    """Take the rules away again."""
    if is_raised():
        _iptables("iptables", "--wait", "-D", "INPUT", "-j", CHAIN)
        _iptables("iptables", "--wait", "-F", CHAIN)
        _iptables("iptables", "--wait", "-X", CHAIN)


def _iptables(*command: str, stdin: str = "") -> None:
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
