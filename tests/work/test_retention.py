"""What is past its time goes once a day, in every schema, and nothing else does."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from allauth.idp.oidc.models import Token
from allauth.usersessions.models import UserSession
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import KnownBrowser, UsedHandOff, User
from apps.branding.models import PostedMail
from apps.events import services as events
from apps.events.actors import SYSTEM
from apps.notifications.models import Delivery as Notice
from apps.notifications.models import Notification
from apps.operations.models import LogLine, Operation
from apps.subscribers.models import ImportRow, SubscriberImport
from apps.tenancy.kinds import operator, schema_of
from apps.tenancy.models import SchemaTemplate
from apps.webhooks.models import Attempt, Delivery, Endpoint
from apps.work import retention
from apps.work.models import Due
from apps.work.registry import beats, past_rows
from tests.conftest import Isp

pytestmark = pytest.mark.django_db
LONG = timedelta(days=1000)


def session(*, is_over: bool, user: User | None = None) -> str:
    store = SessionStore()
    store["x"] = 1
    store.save()
    key = str(store.session_key)
    if user:
        UserSession.objects.create(user=user, session_key=key, ip="192.0.2.1", user_agent="x")
    if is_over:
        Session.objects.filter(pk=key).update(expire_date=timezone.now() - timedelta(seconds=1))
        UserSession.objects.filter(session_key=key).update(
            last_seen_at=timezone.now() - timedelta(days=20)
        )
    return key


def test_sessions_that_are_over_go_in_every_kind_of_schema(
    acme: Isp, initech: Isp, run_due: Callable[[], list[str]]
) -> None:
    kept = {}
    for schema in ("public", acme.console, acme.workspace, initech.workspace):
        with schema_of(schema):
            user = User.objects.create_user("dora@example.net")
            session(is_over=True, user=user)
            session(is_over=True)
            kept[schema] = {session(is_over=False, user=user), session(is_over=False)}
    retention.call()
    run_due()
    for schema, keys in kept.items():
        with schema_of(schema):
            assert set(Session.objects.values_list("pk", flat=True)) == keys
            assert UserSession.objects.get().session_key in keys
    assert Due.objects.get(kind="retention").state == "done"
    # The next day it is the same row.
    retention.call()
    run_due()
    assert Due.objects.get(kind="retention").state == "done"


def test_the_clock_calls_for_it() -> None:
    (beat,) = [one for one in beats() if one.name == "work.retention"]
    beat.run()
    assert Due.objects.get(kind="retention").schema == "public"


def test_a_schema_with_nothing_to_delete_costs_a_statement_a_table(acme: Isp) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert retention.forget_in(acme.workspace) == 0
    said = [one["sql"] for one in asked if "search_path" not in one["sql"].lower()]
    assert len(said) <= len(past_rows())


def test_it_goes_batch_by_batch(acme: Isp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    with schema_of(acme.console):
        for _turn in range(7):
            session(is_over=True)
    assert retention.forget_in(acme.console) == 7


def test_a_schema_that_cannot_be_read_holds_no_other_up(
    acme: Isp, run_due: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with schema_of(acme.workspace):
        session(is_over=True)
    forget_in = retention.forget_in

    def forget(schema: str) -> int:
        if schema == acme.console:
            raise OperationalError("no such table")
        return forget_in(schema)

    monkeypatch.setattr(retention, "forget_in", forget)
    retention.call()
    run_due()
    with schema_of(acme.workspace):
        assert not Session.objects.exists()


def test_what_people_and_programs_left_behind(acme: Isp) -> None:
    now = timezone.now()
    with schema_of(acme.workspace):
        dora = User.objects.create_user("dora@example.net")
        for days in (0, 1000):
            at = now - timedelta(days=days)
            KnownBrowser.objects.create(user=dora, digest=f"{days}", seen_at=at)
            UsedHandOff.objects.create(jti=f"{days}", expires_at=at + timedelta(hours=1))
            PostedMail.objects.create(sealed="x", created_at=at)
            told = Notification.objects.create(user=dora, kind="x", key=f"{days}", created_at=at)
            Notice.objects.create(notification=told, channel="email", address=dora.email)
            operation = Operation.objects.create(
                name="x", title="x", subject_type="x", subject_id=f"{days}", actor_kind="system",
                status="succeeded", created_at=at, finished_at=at,
            )  # fmt: skip
            LogLine.objects.create(operation=operation, step_position=0, at=at, text="x")
            source = SubscriberImport.objects.create(
                filename="x", status="imported", created_at=at, finished_at=at
            )
            ImportRow.objects.create(source=source, row=2, cells=[], is_good=False)
            events.record("mast.built", actor=SYSTEM, subject=dora)
        before = events.Event.objects.count()
    assert retention.forget_in(acme.workspace) == 6
    with schema_of(acme.workspace):
        for model in (KnownBrowser, UsedHandOff, PostedMail, Notification, Notice, LogLine):
            assert model.objects.count() == 1, model
        assert ImportRow.objects.count() == 1
        # What happened stays.
        assert events.Event.objects.count() == before
        assert (Operation.objects.count(), SubscriberImport.objects.count()) == (2, 2)
        assert User.objects.count() == 1


def test_deliveries_that_ended_long_ago_go_with_their_attempts(acme: Isp) -> None:
    with schema_of(acme.console):
        endpoint = Endpoint.objects.create(url="https://hooks.example/", types=["*"])
        for state in ("delivered", "failed", "pending"):
            made = Delivery.objects.create(
                endpoint=endpoint, event=uuid4(), type=state, state=state,
                created_at=timezone.now() - LONG, due_at=timezone.now(),
            )  # fmt: skip
            Attempt.objects.create(delivery=made, at=timezone.now(), duration_ms=1)
    retention.forget_in(acme.console)
    with schema_of(acme.console):
        assert Delivery.objects.get().state == "pending"
        assert Attempt.objects.count() == 1


def test_the_operators_own_tables() -> None:
    with operator():
        Token.objects.create(type="at", hash="old", expires_at=timezone.now() - LONG)
        Token.objects.create(type="at", hash="new", expires_at=timezone.now() + LONG)
        newest = set(SchemaTemplate.objects.values_list("pk", flat=True))
        old = SchemaTemplate.objects.create(kind="console", fingerprint="of before", sql="")
        SchemaTemplate.objects.update(made_at=F("made_at") - LONG)
        SchemaTemplate.objects.filter(pk=old.pk).update(made_at=F("made_at") - LONG)
    retention.forget_in("public")
    with operator():
        assert Token.objects.get().hash == "new"
        # The newest of a kind stays, however old.
        assert set(SchemaTemplate.objects.values_list("pk", flat=True)) == newest
