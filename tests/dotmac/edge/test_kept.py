"""Certificates that an edge is given as texts: their files, and what gives way to them."""

import json
from pathlib import Path

from dotmac.crypto.secret import Secret
from dotmac.edge import Certificate, KeptCertificate, PlatformRoutes
from dotmac.edge.traefik import ROUTES_FILE, TraefikEdge

BASE, APPS = "dotmac.localhost", "apps.localhost"


def kept(chain: str, *names: str) -> KeptCertificate:
    return KeptCertificate(names, chain, Secret("a private key"))


def edge_in(folder: Path) -> TraefikEdge:
    return TraefikEdge(folder, PlatformRoutes(BASE, APPS, "http://127.0.0.1:1"))


def tls_of(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / ROUTES_FILE).read_text())["tls"]
    return found


def files(folder: Path) -> list[str]:
    return sorted(file.read_text() for file in (folder / "certificates").iterdir())


def test_only_its_owner_reads_them_and_nothing_shows_the_key(tmp_path: Path) -> None:
    one = kept("chain 1", BASE)
    assert edge_in(tmp_path).apply([], [one])
    assert files(tmp_path) == ["a private key", "chain 1"]
    modes = {file.stat().st_mode & 0o777 for file in (tmp_path / "certificates").iterdir()}
    assert modes == {0o600}
    assert "a private key" not in (tmp_path / ROUTES_FILE).read_text()
    assert "a private key" not in repr(one)


def test_what_was_before_stays_until_it_is_surely_read_no_more(tmp_path: Path) -> None:
    edge = edge_in(tmp_path)
    for number in (1, 2):
        assert edge.apply([], [kept(f"chain {number}", BASE)])
    assert files(tmp_path) == ["a private key", "a private key", "chain 1", "chain 2"]
    assert not edge.apply([], [kept("chain 2", BASE)])
    assert files(tmp_path) == ["a private key", "chain 2"]


def test_a_lost_file_is_written_again(tmp_path: Path) -> None:
    edge = edge_in(tmp_path)
    edge.apply([], [kept("chain", BASE)])
    for file in (tmp_path / "certificates").iterdir():
        file.unlink()
    edge.apply([], [kept("chain", BASE)])
    assert files(tmp_path) == ["a private key", "chain"]


def test_of_two_for_one_name_the_file_is_only_the_default(tmp_path: Path) -> None:
    here = Certificate((BASE, f"*.{BASE}"), tmp_path / "own.crt", tmp_path / "own.key")
    for path in (here.cert_path, here.key_path):
        path.write_text("")
    named = {"certFile": str(here.cert_path), "keyFile": str(here.key_path)}
    edge = edge_in(tmp_path)
    edge.apply([], [here])
    assert tls_of(tmp_path)["certificates"] == [named]
    assert "stores" not in tls_of(tmp_path)
    edge.apply([], [here, kept("chain", APPS)])
    assert named in tls_of(tmp_path)["certificates"]  # type: ignore[operator]
    edge.apply([], [here, kept("chain", BASE)])
    assert named not in tls_of(tmp_path)["certificates"]  # type: ignore[operator]
    assert tls_of(tmp_path)["stores"] == {"default": {"defaultCertificate": named}}
