"""An app that knows nothing of DotMac, by its manifest alone, through the whole of its life."""

from base64 import b64encode
from collections.abc import Iterator

import pytest

from tests.docker.live_instance import LiveInstance, installed
from tests.docker.visitor import Visitor
from tests.live_platform import LivePlatform

pytestmark = pytest.mark.docker
_EVENT = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//EN
BEGIN:VEVENT
UID:maintenance
DTSTAMP:20260101T000000Z
DTSTART:20260102T000000Z
SUMMARY:Maintenance of the northern ring
END:VEVENT
END:VCALENDAR
"""
_PASSWORD = "calendars-of-acme"


@pytest.fixture
def calendars(platform: LivePlatform, acme_workspace: LiveInstance) -> Iterator[LiveInstance]:
    """Radicale from the catalogue, beside Acme's workspace."""
    instance = installed(acme_workspace, "radicale", PASSWORD=_PASSWORD)
    yield instance
    instance.remove()


def test_an_app_of_the_catalogue_keeps_its_data_all_its_life(
    platform: LivePlatform, calendars: LiveInstance
) -> None:
    assert calendars.wait_end().status == "succeeded", calendars.log()
    slug = calendars.hostname.partition("--")[0]
    assert calendars.hostname == f"{slug}--radicale.apps.localhost"
    visitor = Visitor(platform, calendars.hostname)
    _write(visitor)
    _assert_kept(visitor)
    for what, status in (("stop", "stopped"), ("start", "active")):
        _change(calendars, visitor, what, status)
    _assert_kept(visitor)
    for what, status in (("suspend", "suspended"), ("resume", "active")):
        _change(calendars, visitor, what, status)
    _assert_kept(visitor)
    _change(calendars, visitor, "archive", "archived")
    assert calendars.parts() == {
        "containers": [],
        "networks": [],
        "volumes": [f"{calendars.short}-collections"],
    }
    assert calendars.placements() == []
    calendars.deploy()
    assert calendars.wait_end().status == "succeeded", calendars.log()
    _assert_kept(visitor)
    assert calendars.status() == "active"
    assert len(calendars.parts()["containers"]) == 1
    assert calendars.placements() == [(2, "active")]


def _change(instance: LiveInstance, visitor: Visitor, what: str, status: str) -> None:
    """Make the change; where it serves no more, a notice says so."""
    instance.change(what)
    assert instance.status() == status
    assert all(one.is_running == (status == "active") for one in instance.containers())
    page = visitor.get("/.web/")
    if status == "active":
        assert page.status == 200
    else:
        assert page.status == 503
        assert f"This site is {status}" in page.text


def _authorization() -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'team:{_PASSWORD}'.encode()).decode()}"}


def _write(visitor: Visitor) -> None:
    assert visitor.send("MKCALENDAR", "/team/ring/", **_authorization()).status == 201
    kind = {"Content-Type": "text/calendar"}
    written = visitor.send("PUT", "/team/ring/1.ics", _EVENT.encode(), **kind, **_authorization())
    assert written.status == 201


def _assert_kept(visitor: Visitor) -> None:
    assert visitor.get("/team/ring/1.ics").status == 401
    read = visitor.get("/team/ring/1.ics", **_authorization())
    assert read.status == 200
    assert "Maintenance of the northern ring" in read.text
