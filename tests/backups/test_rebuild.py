"""The machine is lost; another one becomes the platform again, from kit and place off site."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.backups.machine import Machine
from tests.backups.offsite import Offsite
from tests.backups.programs import (
    CARRY,
    CLOSE,
    FILES,
    GENERATIONS,
    ISP,
    SAVE,
    SEAL,
    TENANT,
    WORK,
)

PASSPHRASE = "a long winter in Lapland"


@pytest.fixture
def old(far_folder: Path, offsite: Offsite) -> Iterator[Machine]:
    """A platform that runs, with backups on."""
    made = Machine(far_folder / "old")
    made.install()
    target = offsite.target
    facts = {"address": f"{target.address}/{far_folder.name}", "user": target.user}
    made.do(SAVE.format(**facts, secret=target.secret.reveal()))
    yield made
    if made.folder.exists():
        made.stop()


def _tenants(machine: Machine) -> list[str]:
    rows = machine.sql(
        "SELECT slug FROM public.tenancy_tenant WHERE kind = 'console' ORDER BY slug"
    )
    return [str(row[0]) for row in rows]


@pytest.mark.timeout(1500)
def test_a_lost_machine_is_rebuilt_with_every_row_that_was_carried(
    old: Machine, far_folder: Path
) -> None:
    old.do(TENANT.format(slug="early"))
    assert "full" in old.manage("backup")
    # No worker carries here, and a backup without its keys could not be brought back.
    assert old.do(FILES).split()[-1] == "1"
    kit = far_folder / "kit.txt"
    old.manage("recovery_kit", "--to", str(kit), KIT_PASSPHRASE=PASSPHRASE)
    old.do(TENANT.format(slug="late"))
    old.do(SEAL)
    assert "differential" in old.manage("backup")
    # What somebody uploaded, after both backups.
    upload = old.options.var / "media/public/logo.png"
    upload.parent.mkdir(parents=True)
    upload.write_bytes(b"a logo")
    old.do(TENANT.format(slug="latest"))
    old.do(ISP)
    good = old.sql("SELECT clock_timestamp()")[0][0]
    assert isinstance(good, datetime)
    old.sql("DELETE FROM public.tenancy_domain WHERE domain LIKE 'late.%'")
    old.sql("DELETE FROM public.tenancy_tenant WHERE slug = 'late'")
    # It leaves after that moment, so that the moment knows nothing of it.
    old.do(CLOSE)
    assert "('gone', True)" in old.do(WORK)
    assert "ran" in old.do(CARRY)
    before = _tenants(old)
    assert before == ["early", "latest"]
    secrets = (old.options.var / "secrets.env").read_text()

    report = old.manage("restore_test")
    assert int(re.findall(r"tenants: (\d+)", report)[0]) == 3
    # Committed, and never carried: the only thing that is lost.
    old.sql("CREATE TABLE public.never_carried (n int)")
    old.is_lost()

    new = Machine(far_folder / "new")
    wrong = new.rebuild(kit, "another passphrase altogether")
    assert wrong.returncode == 1
    assert "passphrase does not open this kit" in wrong.stdout
    assert not (new.options.var / "secrets.env").exists()

    # Killed while it fetches, and with the database in its place.
    for step in ("What the backup holds", "Database starts in its place"):
        new.kill_rebuild_after(step, kit, PASSPHRASE)
    rebuilt = new.rebuild(kit, PASSPHRASE)
    assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr
    assert "What the backup holds" not in rebuilt.stdout
    try:
        assert _tenants(new) == before
        assert "are younger than this moment" not in rebuilt.stdout
        assert new.sql("SELECT to_regclass('public.never_carried')")[0][0] is None
        assert (new.options.var / "secrets.env").read_text() == secrets
        assert (new.options.var / "media/public/logo.png").read_bytes() == b"a logo"
        assert "certificate of this" in (new.options.keys / "ca.pem").read_text()
        assert "checkpoints" in new.manage("verify_events", "--schema", "public")
        # It goes on backing itself up, from the beginning, on a timeline of its own.
        assert "full" in new.manage("backup")
        new.do(TENANT.format(slug="newest"))
        assert "ran" in new.do(CARRY)
        assert "tenants: 4" in new.manage("restore_test")
    finally:
        new.stop()

    again = new.rebuild(kit, PASSPHRASE)
    assert again.returncode == 1
    assert "holds an installation" in again.stdout

    earlier = Machine(far_folder / "earlier")
    moment = good.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    rebuilt = earlier.rebuild(kit, PASSPHRASE, at=moment)
    assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr
    try:
        assert _tenants(earlier) == ["early", "gone", "late", "latest"]
        assert "1 erasures are younger than this moment" in rebuilt.stdout
        assert "Gone Fiber (gone)" in earlier.manage("erase_again", "--all")
        assert "('gone', True)" in earlier.do(WORK)
        assert _tenants(earlier) == ["early", "late", "latest"]
        generations = json.loads(earlier.do(GENERATIONS))
        assert [one["timeline"] for one in generations] == [1, 2, 2]
    finally:
        earlier.stop()
