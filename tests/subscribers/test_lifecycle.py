"""Subscribers and their services from lead to archive."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core.exceptions import DomainError
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.subscribers import services
from apps.subscribers.exceptions import TakenError, TransitionError
from apps.subscribers.models import Service, Subscriber

from .conftest import make_plan


def test_numbers_are_drawn_and_never_meet_a_given_one(workspace):
    first = services.create_subscriber(name="A", actor=SYSTEM)
    coming = f"S-{first.pk + 1:06d}"
    given = services.create_subscriber(name="B", number=f"S-{first.pk + 3:06d}", actor=SYSTEM)
    assert first.number == f"S-{first.pk:06d}"
    assert given.number != coming
    drawn = [services.create_subscriber(name="C", actor=SYSTEM).number for _n in range(3)]
    assert len({first.number, given.number, *drawn}) == 5


@pytest.mark.parametrize("field", ["number", "external_id"])
def test_what_another_subscriber_has_is_refused_at_its_field(workspace, field):
    services.create_subscriber(name="A", actor=SYSTEM, **{field: "X-1"})
    with pytest.raises(TakenError) as refused:
        services.create_subscriber(name="B", actor=SYSTEM, **{field: "X-1"})
    assert refused.value.field == field
    assert Subscriber.objects.count() == 1


def test_two_services_cannot_have_one_user_name(service, workspace):
    other = services.create_subscriber(name="Emil", actor=SYSTEM)
    with pytest.raises(TakenError) as refused:
        services.add_service(other, plan_version=workspace, username="dora", actor=SYSTEM)
    assert refused.value.field == "username"


def test_a_service_goes_its_way_and_leaves_a_trace(service, dora):
    services.schedule_installation(service, actor=SYSTEM)
    services.activate_service(service, actor=SYSTEM)
    dora.refresh_from_db()
    assert dora.status == "active"
    services.suspend_service(service, reason="nonpayment", actor=SYSTEM)
    services.resume_service(service, actor=SYSTEM)
    services.terminate_service(service, actor=SYSTEM)
    dora.refresh_from_db()
    assert dora.status == "inactive"
    states = list(service.changes.order_by("id").values_list("target", flat=True))
    assert states == ["draft", "pending_install", "active", "suspended", "active", "terminated"]
    types = list(Event.objects.filter(type__contains="servic").values_list("type", flat=True))
    assert types == [
        "service.terminated",
        "service.resumed",
        "service.suspended",
        "service.activated",
        "service.ordered",
        "service.created",
    ]


def test_a_suspended_service_says_why_and_forgets_it_when_resumed(service):
    services.activate_service(service, actor=SYSTEM)
    services.suspend_service(service, reason="abuse", actor=SYSTEM)
    service.refresh_from_db()
    assert (service.suspension, service.suspended_at is None) == ("abuse", False)
    services.resume_service(service, actor=SYSTEM)
    service.refresh_from_db()
    assert (service.suspension, service.suspended_at) == ("", None)


def test_only_one_of_two_who_suspend_wins(service):
    services.activate_service(service, actor=SYSTEM)
    stale = Service.objects.get(pk=service.pk)
    services.suspend_service(service, reason="admin", actor=SYSTEM)
    with pytest.raises(TransitionError, match="is suspended, so it cannot become suspended"):
        services.suspend_service(stale, reason="abuse", actor=SYSTEM)
    service.refresh_from_db()
    assert service.suspension == "admin"
    assert Event.objects.filter(type="service.suspended").count() == 1


@pytest.mark.parametrize(
    "step", ["resume_service", "suspend_service", "activate_service", "terminate_service"]
)
def test_a_terminated_service_stays_terminated(service, step):
    services.terminate_service(service, actor=SYSTEM)
    reason = {"reason": "admin"} if step == "suspend_service" else {}
    with pytest.raises(TransitionError):
        getattr(services, step)(service, actor=SYSTEM, **reason)


def test_a_draft_cannot_be_suspended_nor_for_any_reason(service):
    with pytest.raises(TransitionError):
        services.suspend_service(service, reason="admin", actor=SYSTEM)
    services.activate_service(service, actor=SYSTEM)
    with pytest.raises(DomainError, match="no reason"):
        services.suspend_service(service, reason="whim", actor=SYSTEM)


def test_a_suspended_service_is_resumed_not_activated(service):
    services.activate_service(service, actor=SYSTEM)
    services.suspend_service(service, reason="admin", actor=SYSTEM)
    with pytest.raises(TransitionError, match="Resume it"):
        services.activate_service(service, actor=SYSTEM)


def test_a_subscriber_stays_active_while_one_service_is_left(service, dora, workspace):
    second = services.add_service(dora, plan_version=workspace, actor=SYSTEM)
    services.activate_service(service, actor=SYSTEM)
    services.activate_service(second, actor=SYSTEM)
    services.terminate_service(service, actor=SYSTEM)
    dora.refresh_from_db()
    assert dora.status == "active"


def test_nobody_with_a_service_is_archived(service, dora):
    with pytest.raises(TransitionError, match="Terminate it first"):
        services.archive_subscriber(dora, actor=SYSTEM)
    services.terminate_service(service, actor=SYSTEM)
    services.archive_subscriber(dora, actor=SYSTEM)
    with pytest.raises(TransitionError, match="archived"):
        services.add_service(dora, plan_version=service.plan_version, actor=SYSTEM)
    services.restore_subscriber(dora, actor=SYSTEM)
    assert Subscriber.objects.get().status == "inactive"


def test_an_update_tells_what_changed_and_nothing_when_nothing_did(dora):
    services.update_subscriber(dora, actor=SYSTEM, name="Dora D.", phone="")
    services.update_subscriber(dora, actor=SYSTEM, name="Dora D.")
    (event,) = Event.objects.filter(type="subscriber.updated")
    assert event.data == {"changed": {"name": {"before": "Dora Diaz", "after": "Dora D."}}}


def test_another_address_is_not_taken_for_one_s_own(dora, workspace):
    other = services.create_subscriber(
        name="Emil", actor=SYSTEM, address={"street": "1 Oak Avenue"}
    )
    with pytest.raises(DomainError, match="another subscriber"):
        services.add_service(
            dora, plan_version=workspace, address=other.addresses.get(), actor=SYSTEM
        )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("dora", True),
        ("DIAZ dora", True),
        ("dora@ex", True),
        ("DORA@EXAMPLE.COM", True),
        ("@example.com", True),
        ("319-555 0142", True),
        ("5550142", True),
        ("pppoe-7", True),
        ("S-0", True),
        ("emil", False),
        ("dora@other", False),
        ("5550143", False),
        ("%", False),
    ],
)
def test_search_finds_by_the_shape_of_the_text(workspace, text, found):
    dora = services.create_subscriber(
        name="Dora Diaz", email="Dora@Example.com", phone="+1 (319) 555-0142", actor=SYSTEM
    )
    services.add_service(dora, plan_version=workspace, username="pppoe-7", actor=SYSTEM)
    assert list(Subscriber.objects.search(text)) == ([dora] if found else [])


def test_a_search_by_e_mail_can_use_its_index(workspace):
    services.create_subscriber(name="Dora", email="dora@example.com", actor=SYSTEM)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    rows = Subscriber.objects.filter(pk__in=Subscriber.objects.search("dora@x").values("pk"))
    assert "Index" in rows.explain()


def test_who_is_measured_has_an_active_service(service, dora, workspace):
    second = services.add_service(dora, plan_version=workspace, actor=SYSTEM)
    assert services.active_subscribers() == 0
    services.activate_service(service, actor=SYSTEM)
    services.activate_service(second, actor=SYSTEM)
    assert services.active_subscribers() == 1
    services.suspend_service(service, reason="admin", actor=SYSTEM)
    services.suspend_service(second, reason="admin", actor=SYSTEM)
    assert services.active_subscribers() == 0


def test_the_other_isp_has_none_of_it(service, in_workspace, initech):
    with in_workspace(initech):
        assert not Subscriber.objects.exists()
        assert not Service.objects.exists()
        same = services.create_subscriber(name="Dora", external_id="", actor=SYSTEM)
        services.add_service(same, plan_version=make_plan("Radio"), username="dora", actor=SYSTEM)
    assert Subscriber.objects.count() == 1


def test_what_changes_is_written_in_few_queries(service):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        services.activate_service(service, actor=SYSTEM)
    assert len(queries) < 20
