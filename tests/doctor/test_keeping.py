"""What is found is kept: changes are events, problems are work, alerts begin and end with them."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.alerts.models import Alert
from apps.core import health
from apps.core.health import Finding
from apps.doctor import services, ticks
from apps.doctor.looking import chosen, look
from apps.doctor.models import CheckState, Checkup
from apps.events.models import Event
from apps.notifications.models import Notification
from apps.operations.models import Operation
from apps.tenancy.kinds import operator
from apps.work.models import Due
from tests.alerts.conftest import channel_to, said
from tests.dotmac.webhooks.receiver import Receiver
from tests.notifications.conftest import show_events

NAME = "tests.boiler"
HOT = health.problem("The boiler is at {degrees} degrees.", "Open the valve.", degrees=140)
WARM = health.warning("The boiler is at {degrees} degrees.", "Look at it.", degrees=95)


@pytest.fixture(autouse=True)
def _settled_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticks, "_BEGAN", time.monotonic() - ticks.SETTLES_S)


@pytest.fixture
def boiler(operator_schema: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Finding]]:
    """A check of the test's own; what it finds is what the list holds."""
    found: list[Finding] = []
    monkeypatch.setattr(health, "_checks", dict(health._checks))
    health.check(NAME, "Boiler", runbook="database-away", every_s=60)(lambda: list(found))
    return found


def keep(boiler: list[Finding], *findings: Finding) -> CheckState:
    """Look at the boiler, which stands so."""
    boiler[:] = findings
    return services.keep(look(chosen([NAME])[0]))


def types() -> list[str]:
    """What happened to checks."""
    return list(
        Event.objects.filter(type__startswith="check.")
        .order_by("id")
        .values_list("type", flat=True)
    )


def test_only_a_change_is_an_event(boiler: list[Finding]) -> None:
    for findings in ((), (HOT,), (HOT,), (WARM,), (), ()):
        keep(boiler, *findings)
    assert types() == ["check.problem", "check.warning", "check.passed"]
    first = Event.objects.get(type="check.problem")
    assert first.data["text"] == "The boiler is at 140 degrees."
    assert first.data["runbook"] == "docs/runbooks/database-away.md"
    assert first.subject_label == "Boiler"


def test_a_problem_is_a_line_of_work_until_it_is_over(boiler: list[Finding]) -> None:
    row = keep(boiler, HOT)
    since = row.since
    due = Due.objects.get(kind="health", subject=NAME)
    assert (due.state, due.shown_title) == ("failed", "Health: Boiler")
    assert due.shown_reason == "The boiler is at 140 degrees."
    assert keep(boiler, HOT).since == since
    keep(boiler, WARM)
    due.refresh_from_db()
    assert due.state == "done"


def test_alerts_begin_and_end_with_the_problem(
    boiler: list[Finding], olga: User, pager: Receiver, run_due: Callable[[], list[str]], settings
) -> None:
    settings.WEBHOOK_NETWORKS = ["127.0.0.0/8"]
    channel_to(pager)
    keep(boiler, HOT)
    show_events("public")
    run_due()
    assert said(pager) == [("alert.raised", "DotMac: Problem: Boiler")]
    assert Notification.objects.filter(user=olga, kind="check.problem").exists()
    # Of failed work nobody is told besides.
    assert not Alert.objects.filter(kind="work.failed").exists()
    keep(boiler)
    show_events("public")
    run_due()
    assert [one for one, _heading in said(pager)] == ["alert.raised", "alert.resolved"]


def test_what_an_app_tells_is_shown_and_not_told_again(
    boiler: list[Finding], olga: User, pager: Receiver, run_due: Callable[[], list[str]], settings
) -> None:
    settings.WEBHOOK_NETWORKS = ["127.0.0.0/8"]
    channel_to(pager)
    row = keep(boiler, health.told(HOT))
    assert (row.status, [one.said for one in row.found]) == ("problem", [HOT.said])
    assert Due.objects.get(kind="health", subject=NAME).state == "failed"
    show_events("public")
    run_due()
    assert said(pager) == []
    # Beside it something that only the doctor knows, which comes and goes.
    cold = health.problem("The cellar is cold.", "Close the door.")
    keep(boiler, health.told(HOT), cold)
    show_events("public")
    run_due()
    assert said(pager) == [("alert.raised", "DotMac: Problem: Boiler")]
    assert Notification.objects.get(user=olga).data["text"] == "The cellar is cold."
    keep(boiler, health.told(HOT))
    show_events("public")
    run_due()
    assert [one for one, _heading in said(pager)] == ["alert.raised", "alert.resolved"]
    keep(boiler)
    show_events("public")
    run_due()
    assert len(said(pager)) == 2


def test_an_alert_of_before_ends_once_the_app_tells(boiler: list[Finding], olga: User) -> None:
    keep(boiler, HOT)
    # As a release left it that knew nothing of this.
    CheckState.objects.update(told="")
    show_events("public")
    keep(boiler, health.told(HOT))
    show_events("public")
    assert Alert.objects.get(kind="check.problem").resolved_at is not None


def test_of_warnings_only_those_are_told_that_say_so(boiler: list[Finding], olga: User) -> None:
    keep(boiler, WARM)
    show_events("public")
    assert not Notification.objects.filter(kind="check.warning").exists()
    health.check(NAME, "Boiler", runbook="database-away", tells_from="warning")(lambda: [WARM])
    CheckState.objects.update(status="ok", told="ok")
    services.keep(look(chosen([NAME])[0]))
    show_events("public")
    assert Notification.objects.filter(user=olga, kind="check.warning").exists()


def test_a_worker_looks_at_everything_and_says_who_asked(
    boiler: list[Finding], hers: Client, run_due: Callable[[], list[str]]
) -> None:
    boiler[:] = [HOT]
    page = hers.post(reverse("admin:doctor_health", urlconf="config.urls.operator"))
    assert page.status_code == 302
    with operator():
        run_due()
        operation = Operation.objects.get(name="doctor.checkup")
        assert (operation.status, operation.cause) == ("succeeded", "")
        checkup = Checkup.objects.get()
        assert checkup.asked_by == "olga@dotmac.example"
        assert checkup.problems >= 1
        assert checkup.well + checkup.warnings + checkup.problems == CheckState.objects.count()
    shown = hers.get(reverse("admin:doctor_health", urlconf="config.urls.operator"))
    text = shown.content.decode()
    assert "The boiler is at 140 degrees." in text
    assert "Open the valve." in text
    assert "olga@dotmac.example" in text


def test_one_looks_at_a_time(boiler: list[Finding], hers: Client) -> None:
    url = reverse("admin:doctor_health", urlconf="config.urls.operator")
    hers.post(url)
    assert hers.post(url, follow=True).status_code == 200
    with operator():
        assert Checkup.objects.count() == 1


def test_everything_is_looked_at_daily_and_some_of_it_soon(
    boiler: list[Finding], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as just_begun:
        just_begun.setattr(ticks, "_BEGAN", time.monotonic())
        ticks._daily()
    assert Checkup.objects.count() == 0, "What is not up yet is no fault."
    ticks._daily()
    ticks._daily()
    assert Checkup.objects.count() == 1
    Checkup.objects.update(started_at=timezone.now() - timedelta(days=2))
    Operation.objects.update(status="succeeded")
    ticks._daily()
    assert Checkup.objects.count() == 2
    assert NAME in services.due_soon()
    assert "schemas.tables" not in services.due_soon()
    monkeypatch.setattr(services, "due_soon", lambda: [NAME])
    boiler[:] = [HOT]
    assert ticks.look_soon() == 1
    assert CheckState.objects.get(name=NAME).status == "problem"


def test_a_check_that_is_no_more_leaves_no_line(
    boiler: list[Finding], run_due: Callable[[], list[str]]
) -> None:
    keep(boiler, HOT)
    health._checks.pop(NAME)
    ticks._daily()
    run_due()
    assert not CheckState.objects.filter(name=NAME).exists()
    assert Due.objects.get(kind="health", subject=NAME).state == "done"


def test_the_work_s_page_says_what_to_do(boiler: list[Finding], hers: Client) -> None:
    keep(boiler, HOT)
    due = Due.objects.get(kind="health", subject=NAME)
    url = reverse("admin:work_due_change", args=[due.pk], urlconf="config.urls.operator")
    assert "Open the valve." in hers.get(url).content.decode()


def test_work_of_which_only_the_queue_knows_has_a_page_too(
    boiler: list[Finding], hers: Client
) -> None:
    keep(boiler, HOT)
    Due.objects.filter(kind="health", subject=NAME).update(kind="mail", reason="The server is away")
    due = Due.objects.get(kind="mail", subject=NAME)
    there = {"args": [due.pk], "urlconf": "config.urls.operator"}
    page = hers.get(reverse("admin:work_due_change", **there)).content.decode()
    assert due.title in page
    told = reverse("admin:work_due_steer", args=[due.pk, "retry"], urlconf="config.urls.operator")
    assert "neither be cancelled nor repeated" in hers.post(told, follow=True).content.decode()
