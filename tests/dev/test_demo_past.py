"""The demonstration's past: plausible, the same each time, once, and its log proves."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db.models import Max
from django.utils import timezone

from apps.accounts.services import create_user
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.events.verifying import verify
from apps.notifications.models import Delivery
from apps.operations.models import Operation, Step
from apps.operations.pages import operation_context
from apps.subscribers.models import Service, ServiceStateChange
from apps.tenancy.kinds import schema_of
from apps.webhooks.models import Attempt, Endpoint
from apps.webhooks.models import Delivery as Sent
from apps.work.models import Due
from dev import demo_past, demo_subscribers
from dev.demo_history import Past
from tests.events.test_log import seal_all


@pytest.fixture
def workspace(live_database: str) -> Iterator[None]:
    """Acme's workspace with forty subscribers and their past."""
    with schema_of("w_acme"):
        create_user(email="o@acme.example", is_staff=True, is_superuser=True, actor=SYSTEM)
        demo_subscribers.load(demo_subscribers.make_subscribers(40, seed=2))
        demo_past.fill_workspace(Past(60, seed=4), "Wes Field", "wes@acme.example")
        yield


def test_a_workspace_has_weeks_behind_it_and_a_log_that_proves(workspace: None) -> None:
    seal_all()
    report = verify()
    assert (report.findings, report.events) == ([], Event.objects.count())
    since = timezone.now() - timedelta(days=50)
    assert Event.objects.filter(type="user.signed_in", at__lt=since).exists()
    newest = Event.objects.order_by("-id")[:40].values_list("at", flat=True)
    assert all(at < timezone.now() for at in newest)
    # Every status still has as many as its history says.
    changes = ServiceStateChange.objects
    begun, left = changes.filter(target="active"), changes.filter(source="active")
    assert begun.count() - left.count() == Service.objects.filter(status="active").count()
    assert changes.filter(target="suspended", at__gt=since).exists()
    for model, field in ((Delivery, "status"), (Sent, "state"), (Operation, "status")):
        assert len(set(model.objects.values_list(field, flat=True))) > 1, model
    assert set(Endpoint.objects.values_list("status", flat=True)) == {"paused"}
    assert Attempt.objects.aggregate(last=Max("at"))["last"] < timezone.now()
    assert not Sent.objects.exclude(event__in=Event.objects.values("uuid")).exists()

    before = Event.objects.count()
    demo_past.fill_workspace(Past(60, seed=4), "Wes Field", "wes@acme.example")
    assert Event.objects.count() == before


def test_operations_ended_and_stand_on_the_operator_s_list(workspace: None) -> None:
    assert not Operation.objects.filter(status__in=Operation.ACTIVE).exists()
    assert not Step.objects.filter(operation__status="succeeded").exclude(status="done").exists()
    subjects = {str(uuid) for uuid in Operation.objects.values_list("uuid", flat=True)}
    assert set(Due.objects.filter(kind="operation").values_list("subject", flat=True)) == subjects
    for operation in Operation.objects.all():
        shown = operation_context(operation)
        assert (shown["operation"]["can_cancel"], len(shown["steps"])) == (False, 3)
    # What failed went through afterwards, so nothing needs anybody.
    for failed in Operation.objects.filter(status="failed"):
        later = Operation.objects.filter(subject_id=failed.subject_id, status="succeeded")
        assert later.filter(created_at__gt=failed.created_at).exists()


def test_the_same_seed_gives_the_same_past() -> None:
    now = timezone.now()
    first, again = (Past(60, 4, now).moments(0.7) for _turn in range(2))
    assert first == again
    assert first != Past(60, 5, now).moments(0.7)
