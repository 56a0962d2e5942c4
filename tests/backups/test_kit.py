"""What the recovery kit gives, to whom, and what it hides."""

from dataclasses import replace
from pathlib import Path

import pytest

from dotmac.backups import BackupError, Kit, Target, WrongKeyError, open_kit
from dotmac.backups.kit import INSTALL, REBUILD, check_passphrase
from dotmac.backups.rebuilding import opened
from dotmac.crypto.secret import Secret

PASSPHRASE = Secret("a long winter in Lapland")


def _kit() -> Kit:
    target = Target("s3", "https://s3.example.com/bucket", "access", Secret("hunter-two"))
    environment = {"SECRET_KEY": Secret("a very secret key")}
    return Kit("an id", "2026-11-29 17:00", "0.1.0", target, Secret("backup-key"), environment)


def test_a_kit_opens_with_its_passphrase_alone() -> None:
    sealed = _kit().sealed(PASSPHRASE)
    opened = open_kit(sealed, PASSPHRASE)
    assert opened == _kit()
    assert opened.target.secret.reveal() == "hunter-two"
    assert opened.environment["SECRET_KEY"].reveal() == "a very secret key"
    with pytest.raises(WrongKeyError, match="passphrase"):
        open_kit(sealed, Secret("a long winter in Finland"))


def test_its_page_is_for_everybody_and_nothing_secret_is_in_it() -> None:
    sealed = _kit().sealed(PASSPHRASE)
    assert "make rebuild KIT=" in sealed
    assert "https://s3.example.com/bucket" in sealed
    for hidden in ("hunter-two", "backup-key", "a very secret key"):
        assert hidden not in sealed
        assert hidden not in repr(_kit())
        assert hidden in str(_kit().in_clear())


def test_a_kit_names_the_command_by_which_its_installation_comes_back(tmp_path: Path) -> None:
    file = tmp_path / "kit.txt"
    file.write_text(replace(_kit(), command=INSTALL).sealed(PASSPHRASE))
    assert "make install KIT=" in file.read_text()
    with pytest.raises(BackupError, match=r"comes back by: make install KIT=.*kit\.txt"):
        opened(file, PASSPHRASE, REBUILD)


def test_a_changed_kit_or_none_is_refused() -> None:
    sealed = _kit().sealed(PASSPHRASE)
    with pytest.raises(WrongKeyError, match="no recovery kit"):
        open_kit("a shopping list", PASSPHRASE)
    lines = sealed.splitlines()
    at = lines.index("-----BEGIN DOTMAC RECOVERY KIT-----") + 2
    lines[at] = lines[at][:-1] + ("A" if lines[at][-1] != "A" else "B")
    with pytest.raises(WrongKeyError, match="was changed"):
        open_kit("\n".join(lines), PASSPHRASE)


def test_a_short_passphrase_is_refused() -> None:
    assert check_passphrase(Secret("hunter2"))
    assert not check_passphrase(PASSPHRASE)


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("directory", "mnt/offsite"),
        ("directory", "/"),
        ("directory", "/mnt/../etc"),
        ("s3", "https://s3.example.com"),
        ("s3", "s3.example.com/bucket"),
        ("sftp", "sftp://backup.example.com/path"),
        ("sftp", "ssh://backup.example.com/path"),
    ],
)
def test_what_is_no_place_is_refused(kind: str, address: str) -> None:
    with pytest.raises(BackupError):
        Target(kind, address).check()
