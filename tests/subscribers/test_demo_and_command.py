"""Demonstration data, and the import from the command line."""

import io

import pytest
from django.core.management import CommandError, call_command

from apps.billing.models import Plan
from apps.billing.services import offered_plans
from apps.subscribers.models import Service, ServiceStateChange, Subscriber
from apps.tenancy.kinds import schema_of
from dev import demo_subscribers


@pytest.fixture
def empty(acme, in_workspace):
    """Inside a workspace without plans."""
    with in_workspace(acme):
        yield acme


def run_command(isp, content: str | bytes, tmp_path, *options: str) -> str:
    """Import a file into an ISP's workspace; what the command said."""
    file = tmp_path / "list.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    said = io.StringIO()
    call_command("import_subscribers", str(file), *options, "--schema", isp.workspace, stdout=said)
    return said.getvalue()


def test_the_same_seed_gives_the_same_people():
    first, again = (demo_subscribers.make_subscribers(50, seed=1) for _n in range(2))
    assert first == again
    assert first != demo_subscribers.make_subscribers(50, seed=2)
    assert len({row["username"] for row in first}) == 50


def test_they_are_loaded_with_plans_and_states(empty):
    demo_subscribers.load(demo_subscribers.make_subscribers(200, seed=1))
    assert Subscriber.objects.count() == 200
    assert {plan.name for plan in offered_plans()} == {"Fiber 100", "Fiber 300", "Fiber 1000"}
    states = set(Service.objects.values_list("status", flat=True))
    assert states >= {"active", "suspended", "pending_install"}
    months = Subscriber.objects.dates("created_at", "month")
    assert len(months) > 3
    suspended = Service.objects.filter(status="suspended").select_related("subscriber")
    assert all(service.activated_at <= service.suspended_at for service in suspended)
    # Every status has its history: what began less what ended is what there is.
    changes = ServiceStateChange.objects
    begun, left = changes.filter(target="active"), changes.filter(source="active")
    assert begun.count() - left.count() == Service.objects.filter(status="active").count()
    assert len(changes.dates("at", "month")) > 3


def test_the_file_of_them_brings_its_plans_into_an_empty_workspace(empty, tmp_path):
    text = demo_subscribers.as_csv(demo_subscribers.make_subscribers(40, seed=2))
    assert "40 subscribers imported" in run_command(empty, text, tmp_path)
    with schema_of(empty.workspace):
        assert Subscriber.objects.count() == 40
        offers = {offer.name: offer for offer in offered_plans()}
    assert offers["Wireless 25"].flat_minor == 3900
    assert offers["Wireless 25"].currency == "GBP"
    assert offers["Wireless 25"].entitlements == {"down_kbps": 25_000, "up_kbps": 5_000}


def test_if_empty_imports_once(empty, tmp_path):
    text = "name\nDora\n"
    run_command(empty, text, tmp_path, "--if-empty")
    assert "already" in run_command(empty, text, tmp_path, "--if-empty")
    with schema_of(empty.workspace):
        assert Subscriber.objects.count() == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"name,email\nDora,nobody\n", "Row 2 is in error"),
        (b"name,plan,plan_price\nDora,Gold,much\n", "no numbers"),
        (b"name,plan,plan_price\nDora,Gold,1.999\n", "more decimals"),
    ],
)
def test_a_list_that_cannot_be_imported_says_why_and_leaves_nothing(
    empty, tmp_path, content, words
):
    with pytest.raises(CommandError, match=words):
        run_command(empty, content, tmp_path)
    with schema_of(empty.workspace):
        assert not Subscriber.objects.exists()
        assert not Plan.objects.exists()


def test_where_there_are_several_workspaces_one_must_be_named(empty, tmp_path):
    file = tmp_path / "list.csv"
    file.write_text("name\nDora\n")
    with pytest.raises(CommandError, match="--schema"):
        call_command("import_subscribers", str(file))
