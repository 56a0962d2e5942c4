"""Settings of an app: secrets stay hidden everywhere, changes come with a new deployment."""

from collections.abc import Callable

import pytest
from django.db import connection

from apps.core.exceptions import ConflictError, DomainError, NotFoundError, QuotaError
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.instances import services
from apps.instances.exceptions import InvalidSettingsError
from apps.instances.models import Deployment, Instance
from apps.instances.sealed import opened
from apps.instances.stack import Stack
from apps.marketplace import services as marketplace
from apps.marketplace.services import publish
from apps.operations.exceptions import BusyError
from apps.operations.models import Operation
from apps.tenancy.kinds import schema_of
from dotmac.engine.fake import FakeEngine
from tests.conftest import Isp
from tests.instances.test_failures import never_healthy
from tests.instances.world import PASSWORD, Shop, adopt, install_shop, shop, the_edge

RunDue = Callable[[], list[str]]


def everything_in(*schemas: str) -> str:
    """All rows of all tables of some schemas, as text."""
    texts = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('%%I.%%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname = ANY(%s)",
            [list(schemas)],
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT t::text FROM {table} t")
            texts += [row[0] for row in cursor.fetchall()]
    return "\n".join(texts)


def test_a_secret_is_nowhere_in_the_database_in_plain_text(
    running_shop: Shop, run_due: RunDue
) -> None:
    running_shop.set(PASSWORD="another battery staple", GREETING="welcome-to-acme")
    run_due()
    assert running_shop.environment("web-2")["PASSWORD"] == "another battery staple"
    with schema_of(running_shop.isp.console):
        generated = opened(running_shop.row)["DB_PASSWORD"]
    rows = everything_in("public", running_shop.isp.console)
    assert "welcome-to-acme" in rows
    for secret in (PASSWORD, "another battery staple", generated):
        assert secret not in rows


def test_the_event_tells_both_values_of_plain_settings_and_names_of_secret_ones(
    running_shop: Shop, run_due: RunDue
) -> None:
    for greeting in ("hello", "welcome"):
        running_shop.set(PASSWORD="another battery staple", GREETING=greeting)
        run_due()
    with schema_of(running_shop.isp.console):
        event = Event.objects.filter(type="instance.settings_changed").latest("id")
    assert event.data == {
        "names": ["GREETING", "PASSWORD"],
        "changed": {"GREETING": {"before": "hello", "after": "welcome"}},
    }


def test_a_secret_is_in_no_representation(running_shop: Shop) -> None:
    with schema_of(running_shop.isp.console):
        row = running_shop.row
        stack = Stack(row, 1, "1.0", "0" * 32)
        shown = [repr(row), str(row), repr(stack), repr(stack.plan), repr(stack.plan.containers)]
        shown += [repr(row.deployments.get()), repr(vars(running_shop.operation))]
    assert not [text for text in shown if PASSWORD in text]


def test_changed_settings_come_with_a_new_deployment(running_shop: Shop, run_due: RunDue) -> None:
    before = running_shop.environment("web-1")
    running_shop.set(GREETING="hi", PASSWORD="")
    run_due()
    assert running_shop.containers == {"db": "running", "web-2": "running"}
    assert running_shop.environment("web-2") == {**before, "GREETING": "hi"}
    assert running_shop.row.release == "1.0"
    assert running_shop.row.environment == {"GREETING": "hi"}


def test_settings_that_are_not_named_stay(running_shop: Shop, run_due: RunDue) -> None:
    for given in ({"GREETING": "hi"}, {"LIMIT": "5"}):
        running_shop.set(**given)
        run_due()
    assert running_shop.row.environment == {"GREETING": "hi", "LIMIT": "5"}
    assert running_shop.environment("web-3")["GREETING"] == "hi"


def test_a_blank_setting_goes_back_to_its_default(running_shop: Shop, run_due: RunDue) -> None:
    running_shop.set(GREETING="hi")
    run_due()
    running_shop.set(GREETING="")
    run_due()
    assert running_shop.environment("web-3")["GREETING"] == "hello"
    assert running_shop.row.environment == {}


def test_a_generated_secret_stays_over_all_deployments(running_shop: Shop, run_due: RunDue) -> None:
    first = running_shop.environment("db")
    running_shop.deploy()
    run_due()
    assert running_shop.environment("web-2")["DATABASE"] == f"shop:{first['DB_PASSWORD']}@db"


def test_the_old_settings_stay_while_a_deployment_with_new_ones_fails(
    running_shop: Shop, run_due: RunDue
) -> None:
    before = running_shop.environment("web-1")
    never_healthy(running_shop, 2)
    running_shop.set(GREETING="hi")
    run_due()
    for what in ("stop", "start"):
        running_shop.change(what)
        run_due()
    assert running_shop.environment("web-1") == before
    assert running_shop.public_status == 200


def test_the_old_release_can_be_stopped_though_a_newer_one_with_other_settings_failed(
    running_shop: Shop, run_due: RunDue
) -> None:
    renamed = shop("3.0")
    renamed["environment"][0] = {"name": "WELCOME", "default": "hello"}
    renamed["services"]["web"]["environment"]["GREETING"] = "${WELCOME}"
    publish(renamed)
    never_healthy(running_shop, 2)
    running_shop.deploy(release="3.0")
    run_due()
    running_shop.change("stop")
    run_due()
    assert running_shop.row.status == "stopped"


INVALID = [
    ({"LIMIT": "many"}, "environment.LIMIT", "Write a whole number."),
    ({"PASSWROD": "x"}, "environment.PASSWROD", "did you mean PASSWORD?"),
    ({"DB_PASSWORD": "mine"}, "environment.DB_PASSWORD", "fixed when the instance was made"),
]


@pytest.mark.parametrize(("given", "path", "sentence"), INVALID)
def test_invalid_settings_are_refused_by_name_and_nothing_changes(
    running_shop: Shop, given: dict[str, str], path: str, sentence: str
) -> None:
    with pytest.raises(InvalidSettingsError) as refused:
        running_shop.set(**given)
    ((named, message),) = refused.value.problems
    assert named == path
    assert sentence in message
    assert running_shop.row.environment == {}
    assert running_shop.operation.status == "succeeded"


def test_an_app_is_not_installed_with_invalid_settings(acme: Isp, engine: FakeEngine) -> None:
    adopt(acme)
    with pytest.raises(InvalidSettingsError) as refused:
        install_shop(acme, LIMIT="many", PASSWORD="")
    assert {path for path, _message in refused.value.problems} == {
        "environment.LIMIT",
        "environment.PASSWORD",
    }
    with schema_of(acme.console):
        assert not Instance.objects.exists()
        assert not Operation.objects.exists()


def test_a_mistyped_secret_is_kept_nowhere(acme: Isp, engine: FakeEngine) -> None:
    adopt(acme)
    with pytest.raises(InvalidSettingsError) as refused:
        install_shop(acme, PASSWROD="hunter-two-two")
    assert "hunter-two-two" not in str(refused.value)
    assert "hunter-two-two" not in everything_in("public", acme.console)


def test_a_plan_has_room_for_so_many_instances(acme: Isp, engine: FakeEngine) -> None:
    adopt(acme, plan="starter")
    install_shop(acme)
    publish(shop("1.0", name="second"))
    with pytest.raises(QuotaError, match="Your plan allows 1 instance, and you have 1"):
        install_shop(acme, app="second")


def test_a_starter_isp_has_no_room_beside_its_workspace(
    sign_up: Callable[..., object], engine: FakeEngine
) -> None:
    sign_up("tiny", plan="starter")
    with pytest.raises(QuotaError):
        install_shop(Isp("tiny", "Tiny"))


def test_an_archived_instance_needs_room_to_come_back(
    acme: Isp, engine: FakeEngine, run_due: RunDue
) -> None:
    adopt(acme, plan="starter")
    first = install_shop(acme)
    run_due()
    first.change("archive")
    run_due()
    publish(shop("1.0", name="second"))
    install_shop(acme, app="second")
    with pytest.raises(QuotaError):
        first.deploy()


def test_the_workspace_cannot_be_installed_a_second_time(acme: Isp, engine: FakeEngine) -> None:
    adopt(acme)
    with pytest.raises(ConflictError, match="has one workspace"):
        install_shop(acme, app="dotmac-isp")


def test_the_same_app_twice_leads_to_the_one_that_is_there(new_shop: Shop) -> None:
    with pytest.raises(ConflictError, match="There is already an instance at acme--shop"):
        install_shop(new_shop.isp)


def test_a_release_that_the_catalogue_does_not_have_is_refused(running_shop: Shop) -> None:
    with pytest.raises(NotFoundError, match="no version 9.9"):
        running_shop.deploy(release="9.9")


def test_a_second_change_is_refused_and_names_the_first(running_shop: Shop) -> None:
    first = running_shop.deploy()
    with pytest.raises(BusyError, match="“Deploy Shop” is under way") as refused:
        running_shop.change("stop")
    assert refused.value.operation_id == str(first.uuid)


def test_a_suspended_instance_is_not_deployed(running_shop: Shop, run_due: RunDue) -> None:
    running_shop.change("suspend")
    run_due()
    with pytest.raises(ConflictError, match="Resume it first"):
        running_shop.deploy()


@pytest.mark.parametrize("what", ["start", "resume"])
def test_a_change_that_the_status_does_not_allow_is_refused(running_shop: Shop, what: str) -> None:
    with pytest.raises(ConflictError, match="Shop is active"):
        running_shop.change(what)


def test_an_archived_instance_comes_back_with_its_volumes(
    running_shop: Shop, run_due: RunDue
) -> None:
    kept = dict(running_shop.engine.host.volumes)
    running_shop.change("archive")
    run_due()
    assert running_shop.engine.host.volumes == kept
    assert running_shop.public_status == 503
    running_shop.deploy()
    run_due()
    assert running_shop.engine.host.volumes == kept
    assert running_shop.containers == {"db": "running", "web-2": "running"}
    assert running_shop.placements == [(2, "active")]
    assert running_shop.public_status == 200


def test_an_archived_instance_stays_archived_when_bringing_it_back_fails(
    running_shop: Shop, run_due: RunDue
) -> None:
    kept = dict(running_shop.engine.host.volumes)
    running_shop.change("archive")
    run_due()
    never_healthy(running_shop, 2)
    running_shop.deploy()
    run_due()
    assert running_shop.row.status == "archived"
    assert running_shop.routes == [([], "archived")]
    assert running_shop.containers == {}
    assert running_shop.networks == set()
    assert running_shop.placements == []
    assert running_shop.engine.host.volumes == kept


def test_a_shared_workspace_is_suspended_and_resumed_without_containers(
    sign_up: Callable[..., object], run_due: RunDue, engine: FakeEngine
) -> None:
    sign_up("tiny", plan="starter")
    with schema_of("c_tiny"):
        workspace = Shop(Isp("tiny", "Tiny"), Instance.objects.get().uuid, engine)
    assert workspace.routes == [([], "")]
    workspace.change("suspend")
    run_due()
    assert workspace.row.status == "suspended"
    assert the_edge().routes[workspace.row.hostname].notice == "suspended"
    assert workspace.public_status == 503
    workspace.change("resume")
    run_due()
    assert workspace.operation.status == "succeeded"
    assert workspace.row.status == "active"
    assert the_edge().routes[workspace.row.hostname].notice is None
    assert engine.host.made == {}


def test_a_shared_workspace_is_neither_archived_nor_deployed(
    sign_up: Callable[..., object], engine: FakeEngine
) -> None:
    sign_up("tiny", plan="starter")
    with schema_of("c_tiny"):
        workspace = Instance.objects.get()
        for change in (
            lambda: services.change(workspace, "archive", actor=SYSTEM),
            lambda: services.deploy(workspace, actor=SYSTEM),
        ):
            with pytest.raises(ConflictError, match="is shared"):
                change()


def test_an_organisation_with_the_longest_name_gets_its_workspace(
    sign_up: Callable[..., object],
) -> None:
    sign_up("wide", plan="starter", name="W" * 120)
    with schema_of("c_wide"):
        assert Instance.objects.get().name == f"{'W' * 70} workspace"


def test_each_deployment_keeps_what_its_containers_were_given(
    running_shop: Shop, run_due: RunDue
) -> None:
    running_shop.set(GREETING="hi")
    run_due()
    with schema_of(running_shop.isp.console):
        given = [opened(row)["GREETING"] for row in Deployment.objects.order_by("number")]
    assert given == ["hello", "hi"]


def test_settings_are_those_of_the_release_that_runs_also_when_it_was_withdrawn(
    running_shop: Shop, run_due: RunDue
) -> None:
    for version in ("2.0", "1.0"):
        marketplace.withdraw(marketplace.release("shop", version), actor=SYSTEM)
    running_shop.set(GREETING="hi")
    run_due()
    assert running_shop.environment("web-2")["GREETING"] == "hi"
    with pytest.raises(DomainError, match="offers no app"):
        running_shop.deploy()
