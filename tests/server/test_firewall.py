"""What closes a server's ports closes them for IPv4 and for IPv6."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dotmac.server import checklist
from tests.live_platform import ROOT
from tests.server.test_parts import told

_SHIELDED = """
from dotmac.engine import firewall
firewall.raise_shield([80, 443])
firewall.raise_shield([80, 443])
assert firewall.is_raised()
"""
_LOWERED = """
from dotmac.engine import firewall
firewall.lower_shield()
assert not firewall.is_raised()
"""


def apart(script: str, given: str = "") -> str:
    """What a script says in a network of its own."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "ip", "nft", "ip6tables"))):
        pytest.skip("Only root has networks of their own, with iproute2, nftables and iptables.")
    done = subprocess.run(
        ["unshare", "--net", "sh", "-ec", f"ip link set lo up\n{script}"],
        cwd=ROOT, input=given, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def python(code: str) -> str:
    """A command of the shell's."""
    return f"{sys.executable} -c '{code}'"


def test_containers_are_kept_off_the_host_in_both_families() -> None:
    show = "iptables -S; echo; ip6tables -S"
    raised = apart(f"{python(_SHIELDED)}; {show}; {python(_LOWERED)}; echo; {show}").split("\n\n")
    for rules in raised[:2]:
        assert rules.count("-A INPUT -j DOTMAC-INPUT") == 1
        assert rules.count("-p tcp -m tcp --dport") == 2
        assert rules.count("-j DROP") == 2
    for rules in raised[2:]:
        assert "DOTMAC" not in rules


def test_the_guide_s_table_is_taken_and_replaces_itself() -> None:
    guide = (ROOT / "docs/guides/install.md").read_text()
    (table,) = re.findall(r"```nft\n(.*?)```", guide, re.DOTALL)
    said = apart("cat >/dev/shm/table.$$; for n in 1 2; do nft -f /dev/shm/table.$$; done;"
                 " rm /dev/shm/table.$$; nft list ruleset", table)  # fmt: skip
    assert said.count("chain input") == 1
    assert "table inet server" in said
    assert "policy drop" in said


def test_names_lead_to_the_address_of_each_family(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bind, kinds in (("192.0.2.7", ["A"]), ("[2001:db8::7]", ["AAAA"])):
        lines = checklist.names(told(tmp_path, EDGE_BIND=bind))
        assert [line.split()[2] for line in lines] == kinds * 4
        assert all(line.endswith(f" {bind.strip('[]')}") for line in lines)
    found = {"A": "192.0.2.7", "AAAA": "2001:db8::7"}
    monkeypatch.setattr(
        checklist, "address", lambda _options, family: found["AAAA" if "6" in family.name else "A"]
    )
    lines = checklist.names(told(tmp_path))
    assert [tuple(line.split()[2:]) for line in lines] == list(found.items()) * 4


def test_a_machine_that_knows_no_address_of_its_own_has_a_line_for_each_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checklist, "address", lambda _options, _family: "")
    assert [line.split(maxsplit=2)[2] for line in checklist.names(told(tmp_path))] == [
        "A    this machine's address"
    ] * 4


def test_what_is_left_to_do_at_the_firewall_names_both_families(tmp_path: Path) -> None:
    said = "\n".join(checklist.openings(told(tmp_path, EDGE_HTTP_PORT="8080")))
    assert "open 8080 and 443 (TCP) to everybody" in said
    assert "8101, 8102, 8103 and 5432 listen on this machine alone" in said
    assert "for IPv4 and for IPv6" in said
    assert "ICMPv6" in said
