"""A disk that is full: what does not fit is refused as a whole, and afterwards all goes on."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.db import Error, connection

from apps.core.outages import FULL, READ_ONLY, outage_of
from apps.events.actors import SYSTEM
from apps.subscribers import imports
from apps.subscribers.models import SubscriberImport
from config.logs import LossyStream
from dev.cluster import locate
from tests.conftest import Isp
from tests.faults.disks import fill, make_room
from tests.faults.site import Site, words

# The platform is set up within the first test.
pytestmark = pytest.mark.timeout(1200)


def test_a_full_disk_of_the_database_refuses_what_is_saved(site: Site, small_disk: Path) -> None:
    place = small_disk / "space"
    place.mkdir(mode=0o777)
    place.chmod(0o777)
    _own(site, place)
    # A page for nearly each row, so that the next one needs room.
    site.run_as_superuser(
        f"CREATE TABLESPACE small LOCATION '{place}'",
        "ALTER TABLE public.django_session SET (fillfactor = 10)",
        "ALTER TABLE public.django_session SET TABLESPACE small",
    )
    try:
        fill(small_disk)
        before = _counts(site)
        refused = [site.sign_in() for _turn in range(4)]
        full = [one for one in refused if one.status == 503]
        assert full, [one.status for one in refused]
        assert words(full[-1]) == (503, "60")
        assert "There is no room left" in full[-1].text
        # What fitted is there, of the rest no half: a session for each event of a sign-in.
        signed_in = sum(one.status == 302 for one in refused)
        assert _counts(site)[0] - before[0] == signed_in
        assert site.ask("/accounts/login/", cookie="").status == 200
        make_room(small_disk)
        assert site.sign_in().status == 302
    finally:
        (small_disk / "filling").unlink(missing_ok=True)
        site.run_as_superuser(
            "ALTER TABLE public.django_session SET TABLESPACE pg_default",
            "ALTER TABLE public.django_session RESET (fillfactor)",
            "DROP TABLESPACE small",
        )
    site.wait_until_well()


def _own(site: Site, place: Path) -> None:
    """The server runs as somebody else where tests are root."""
    owner = locate(site.platform.folder / "postgres").data.stat()
    os.chown(place, owner.st_uid, owner.st_gid)


def _counts(site: Site) -> tuple[int, int]:
    sessions = site.platform.sql("SELECT count(*) FROM django_session")[0][0]
    events = site.platform.sql("SELECT count(*) FROM events_event")[0][0]
    return int(sessions), int(events)


def test_a_file_that_does_not_fit_leaves_no_half_of_it(
    small_disk: Path, in_workspace: Callable, acme: Isp, settings
) -> None:
    settings.MEDIA_ROOT = small_disk
    with in_workspace(acme):
        with pytest.raises(OSError, match="No space left") as refused:
            imports.receive_file(ContentFile(b"x" * 8_000_000, name="list.csv"), actor=SYSTEM)
        assert outage_of(refused.value) is not None
        assert outage_of(refused.value).kind == FULL
        assert not SubscriberImport.objects.exists()
    assert [one for one in small_disk.rglob("*") if one.is_file()] == []


def test_a_file_whose_row_is_refused_does_not_stay(
    tmp_path: Path, in_workspace: Callable, acme: Isp, settings
) -> None:
    settings.MEDIA_ROOT = tmp_path
    with in_workspace(acme):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL transaction_read_only = on")
        with pytest.raises(Error) as refused:
            imports.receive_file(ContentFile(b"number,name\n", name="list.csv"), actor=SYSTEM)
        assert outage_of(refused.value).kind == READ_ONLY
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == []


def test_a_log_line_that_finds_no_room_is_lost_and_nothing_else() -> None:
    said = []
    # What is in its buffer finds no room at its end either.
    with suppress(OSError), Path("/dev/full").open("w", buffering=1) as full:
        with pytest.raises(OSError, match="No space left"):
            print("a line", file=full, flush=True)
        print("a line", file=LossyStream(full), flush=True)
        said.append("a line")
    assert said
