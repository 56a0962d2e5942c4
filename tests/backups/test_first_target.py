"""The place of the backups, set and checked by a command, as an installation does it."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.backups.models import BackupTarget
from apps.backups.targets import place_of, target_as_it_is
from apps.events.models import Event


@pytest.fixture(autouse=True)
def _here(operator_schema: None, own_database: None) -> None:
    """At an operator whose database is the platform's own."""


def _told(*arguments: str) -> str:
    said = StringIO()
    call_command("backup_target", *arguments, stdout=said)
    return said.getvalue()


def _folder(parent: Path, name: str) -> str:
    (parent / name).mkdir()
    return str(parent / name)


def test_a_first_place_is_kept_checked_and_in_use(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="Backups go nowhere"):
        _told()
    place = _folder(tmp_path, "far")
    said = _told(place)
    assert f"Backups go to {place}" in said
    assert "Recovery kit: none" in said
    assert target_as_it_is().is_on
    assert _told() == _told(place) == said
    assert Event.objects.filter(type="backup_target.changed").count() == 1


def test_a_place_that_was_written_to_is_not_replaced(tmp_path: Path) -> None:
    first, second, third = (_folder(tmp_path, name) for name in ("first", "second", "third"))
    _told(first)
    _told(second)
    assert target_as_it_is().address == second
    BackupTarget.objects.update(is_begun=True)
    with pytest.raises(CommandError, match=f"Backups go to {second} already"):
        _told(third)
    assert f"Backups go to {second}" in _told(second)


def test_a_secret_comes_from_a_file_and_a_place_that_is_away_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("hunter-two\n")
    address = "http://127.0.0.1:9/bucket/platform"
    with pytest.raises(CommandError, match="does not answer") as refused:
        _told(address, "--user=access", f"--secret-file={file}")
    assert "hunter-two" not in str(refused.value)
    row = target_as_it_is()
    assert (row.address, row.is_on) == (address, True)
    assert place_of(row).secret.reveal() == "hunter-two"


def test_what_is_no_place_is_refused(tmp_path: Path) -> None:
    for address, sentence in (("ftp://far.example/x", "A place is"), ("http://far.example", "buc")):
        with pytest.raises(CommandError, match=sentence):
            _told(address)
    with pytest.raises(CommandError, match="cannot be read"):
        _told("https://far.example/bucket", f"--secret-file={tmp_path}/nothing")
    assert not BackupTarget.objects.exists()
