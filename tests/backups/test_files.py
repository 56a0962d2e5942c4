"""Keys, secrets and uploads: what goes off site of them, and comes back."""

import os
import shutil
import tracemalloc
from pathlib import Path

import pytest

from dotmac.backups import DamagedError, Store
from dotmac.backups.files import Places, fetch, fingerprint, places_of, send


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """An installation's, with a key and a logo."""
    here = tmp_path / "here"
    made = places_of(base=here, var=here / "var", media=here / "var/media", home=here / "database")
    write(made["keys"] / "ca.pem", b"a key")
    write(made["media"] / "c_acme/logo.png", b"a logo")
    return made


def write(file: Path, content: bytes) -> Path:
    """Have it there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def brought_back(store: Store, places: Places) -> list[str]:
    """What comes back onto an empty machine, by its name."""
    for place in places.values():
        if place.is_dir():
            shutil.rmtree(place)
    return sorted(fetch(store, places))


def test_what_is_on_its_way_out_or_in_stays_here(store: Store, places: Places) -> None:
    before = fingerprint(places)
    media = places["media"]
    write(media / "public/exports/a.dotmac", b"all of a tenant")
    write(media / "w_acme/exports/.b.dotmac.part", b"half of a tenant")
    write(media / "w_acme/imports/c.csv", b"names and addresses")
    assert fingerprint(places) == before
    # Only there: a picture may be called so.
    write(media / "c_acme/imports", b"a picture")
    assert fingerprint(places) != before
    send(store, places)
    assert brought_back(store, places) == [
        "keys/ca.pem", "media/c_acme/imports", "media/c_acme/logo.png",
    ]  # fmt: skip


def test_large_uploads_come_back_without_being_held_in_memory(store: Store, places: Places) -> None:
    content = os.urandom(32 << 20)
    film = write(places["media"] / "c_acme/film.mp4", content)
    send(store, places)
    tracemalloc.start()
    try:
        assert "media/c_acme/film.mp4" in brought_back(store, places)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
    assert film.read_bytes() == content


def test_of_a_damaged_archive_nothing_is_put_anywhere(
    store: Store, places: Places, far_folder: Path
) -> None:
    write(places["media"] / "c_acme/film.mp4", os.urandom(1 << 20))
    send(store, places)
    (file,) = (far_folder / "offsite/files").iterdir()
    content = bytearray(file.read_bytes())
    content[-100] ^= 1
    file.write_bytes(content)
    with pytest.raises(DamagedError):
        brought_back(store, places)
    assert not places["keys"].exists()
