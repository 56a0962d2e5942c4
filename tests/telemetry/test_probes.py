"""Probes: quick, by address, and with the reasons for whoever may know them."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.tenancy import metrics as tenancy
from apps.tenancy.kinds import operator
from apps.work import beats
from apps.work.models import Beat
from tests.telemetry.installation import TOKEN

HERE = {"host": "127.0.0.1:8001"}


def tick(age: timedelta) -> None:
    """The clock did something so long ago."""
    with operator():
        Beat.objects.update_or_create(
            name="work.wake", defaults={"ticked_at": timezone.now() - age}
        )


def test_reasons_are_for_this_machine_and_the_monitor(db: None, settings: object) -> None:
    settings.METRICS_TOKEN = TOKEN  # type: ignore[attr-defined]
    tick(timedelta())
    all_well = {name: {"state": "ok"} for name in ("database", "migrations", "clock")}
    for headers in (HERE, {"host": "203.0.113.7", "authorization": f"Bearer {TOKEN}"}):
        answer = Client(headers=headers).get("/readyz")
        assert answer.json() == {"status": "ok", "checks": all_well}
    for headers in (
        {"host": "203.0.113.7"},
        {"host": "dotmac.localhost"},
        # The edge on this machine: it says for whom it asks.
        {**HERE, "x-forwarded-for": "203.0.113.9"},
        {**HERE, "authorization": "Bearer no", "x-forwarded-for": ""},
    ):
        assert Client(headers=headers).get("/readyz").json() == {"status": "ok"}


def test_a_clock_that_stands_still_is_a_warning(db: None) -> None:
    probe = Client(headers=HERE)
    assert probe.get("/readyz").json()["checks"]["clock"]["state"] == "warning"
    tick(timedelta(minutes=10))
    answer = probe.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["checks"]["clock"] == {
        "state": "warning",
        "problem": "It last ticked 600 s ago.",
    }


def test_a_missing_migration_is_not_ready(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenancy, "_known_current", set())
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM public.django_migrations WHERE app = 'work' AND name LIKE '0004%'"
        )
    answer = Client(headers=HERE).get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["migrations"]["state"] == "failed"
    stranger = Client(headers={"host": "203.0.113.7"}).get("/readyz")
    assert (stranger.status_code, stranger.json()) == (503, {"status": "not ok"})


def test_once_migrated_it_is_not_asked_again(db: None, django_assert_num_queries: object) -> None:
    probe = Client(headers=HERE)
    probe.get("/readyz")
    # The search path, a table, and the clock.
    with django_assert_num_queries(3):  # type: ignore[operator]
        probe.get("/readyz")
    with django_assert_num_queries(0):  # type: ignore[operator]
        probe.get("/healthz")


def test_the_clock_notes_what_it_did(db: None) -> None:
    beats.note("work.wake", is_well=True)
    beats.note("work.reap", is_well=False)
    with operator():
        assert beats.write() == 2
        assert beats.write() == 0
        assert [name for name, _every, _age in beats.ages()] == ["work.wake"]
        assert Beat.objects.get(name="work.reap").failed_at is not None
        beats.note("work.reap", is_well=True)
        beats.write()
        row = Beat.objects.get(name="work.reap")
    assert row.failed_at is not None
    assert row.ticked_at is not None
