"""The pages of the operator, of a console and of a workspace: who sees them, and what they cost."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from apps.instances.models import Instance
from apps.operations.models import Operation
from apps.tenancy.kinds import schema_of
from apps.work.models import Due
from tests.accounts.browser import text_of
from tests.conftest import Isp
from tests.instances.world import PASSWORD, Shop, adopt
from tests.pages.conftest import OPERATOR_HOST, browser

RunDue = Callable[[], list[str]]


def console_pages(shop: Shop) -> list[str]:
    instance = f"/admin/instances/instance/{shop.row.pk}"
    operation = shop.operation
    return [
        "/admin/",
        "/admin/instances/instance/",
        *(f"{instance}/{tab}/" for tab in ("change", "deployments", "environment", "settings")),
        "/admin/instances/instance/catalogue/",
        "/admin/instances/instance/catalogue/shop/",
        "/admin/events/event/",
        f"/admin/operations/operation/{operation.pk}/change/",
        f"/operations/{operation.uuid}/steps/",
    ]


def operator_pages(shop: Shop) -> list[str]:
    due = Due.objects.get(subject=str(shop.operation.uuid))
    return [
        "/admin/",
        "/admin/work/due/",
        f"/admin/work/due/{due.pk}/change/",
        f"/admin/work/due/{due.pk}/steps/",
        "/admin/fleet/server/",
        "/admin/fleet/placement/",
        "/admin/fleet/route/",
        "/admin/tenants/organisation/",
    ]


class TestConsole:
    def test_staff_see_every_page(self, alice: Client, running_shop: Shop) -> None:
        for path in console_pages(running_shop):
            assert alice.get(path).status_code == 200, path

    def test_a_stranger_is_sent_to_sign_in(self, acme: Isp, running_shop: Shop) -> None:
        nobody = browser(acme.console_host)
        for path in console_pages(running_shop):
            answer = nobody.get(path)
            assert answer.status_code == 302, path
            assert re.match(r"/(accounts/login|admin/login|sso/login)/\?next=", answer["location"])

    def test_who_is_no_staff_sees_nothing(self, guest: Client, running_shop: Shop) -> None:
        for path in console_pages(running_shop):
            assert guest.get(path, follow=True).status_code in (403, 404), path

    def test_another_isp_s_staff_find_nothing(
        self, bob: Client, initech: Isp, running_shop: Shop
    ) -> None:
        adopt(initech)
        for path in console_pages(running_shop):
            if str(running_shop.operation.uuid) in path or "/change/" in path:
                assert bob.get(path).status_code in (302, 404), path
            assert "acme--shop" not in bob.get(path, follow=True).content.decode()

    def test_another_isp_s_session_opens_nothing(
        self, acme: Isp, bob: Client, alice: Client, running_shop: Shop
    ) -> None:
        thief = browser(acme.console_host)
        thief.cookies["sessionid"] = bob.cookies["sessionid"].value
        for path in console_pages(running_shop):
            assert thief.get(path).status_code == 302, path

    def test_the_operator_s_session_opens_no_console(
        self, acme: Isp, root: Client, running_shop: Shop
    ) -> None:
        thief = browser(acme.console_host)
        thief.cookies["sessionid"] = root.cookies["sessionid"].value
        assert thief.get("/admin/").status_code == 302

    def test_the_first_page_of_a_console_is_its_admin(self, alice: Client) -> None:
        assert alice.get("/")["location"] == "/admin/"

    def test_the_home_names_what_it_has(self, alice: Client, running_shop: Shop) -> None:
        said = text_of(alice.get("/admin/"))
        assert "Everything runs" in said
        assert "acme--shop.apps.localhost" in said

    def test_an_app_is_deployed_from_the_catalogue(
        self, alice: Client, acme: Isp, run_due: RunDue
    ) -> None:
        adopt(acme)
        page = alice.get("/admin/instances/instance/catalogue/")
        assert "Radicale" in text_of(page)
        assert "DotMac workspace" not in text_of(page)
        answer = alice.post(
            "/admin/instances/instance/catalogue/shop/", {"PASSWORD": PASSWORD, "LIMIT": "5"}
        )
        operation = alice.get(answer["location"], follow=True)
        assert "Deploy Shop" in text_of(operation)
        run_due()
        done = alice.get(answer["location"], follow=True)
        assert "Done: all 10 steps went through" in text_of(done)
        assert "acme--shop.apps.localhost answers" in text_of(done)

    @pytest.mark.parametrize(
        ("said", "error"),
        [
            ({"PASSWORD": "", "LIMIT": "5"}, "This setting is required"),
            ({"PASSWORD": PASSWORD, "LIMIT": "many"}, "Enter a whole number"),
        ],
    )
    def test_a_setting_that_is_wrong_is_shown_at_its_field(
        self, alice: Client, acme: Isp, said: dict[str, str], error: str
    ) -> None:
        adopt(acme)
        page = alice.post("/admin/instances/instance/catalogue/shop/", said)
        assert page.status_code == 200
        assert error in text_of(page)
        assert PASSWORD not in page.content.decode()
        with schema_of(acme.console):
            assert not Instance.objects.exists()

    def test_a_full_plan_is_said_on_the_form(self, alice: Client, acme: Isp) -> None:
        adopt(acme, plan="starter")
        said = {"PASSWORD": PASSWORD}
        alice.post("/admin/instances/instance/catalogue/shop/", said)
        page = alice.post("/admin/instances/instance/catalogue/radicale/", said)
        assert "Your plan allows 1 instance, and you have 1." in text_of(page)

    def test_changed_settings_are_deployed(
        self, alice: Client, running_shop: Shop, run_due: RunDue
    ) -> None:
        page = f"/admin/instances/instance/{running_shop.row.pk}/environment/"
        shown = alice.get(page).content.decode()
        assert 'name="GREETING"' in shown
        assert 'name="DB_PASSWORD"' not in shown
        assert PASSWORD not in shown
        answer = alice.post(page, {"GREETING": "hi", "LIMIT": "10", "PASSWORD": ""})
        assert answer["location"].startswith("/operations/")
        run_due()
        assert running_shop.environment("web-2")["GREETING"] == "hi"
        assert running_shop.environment("web-2")["PASSWORD"] == PASSWORD
        assert 'value="hi"' in alice.get(page).content.decode()

    @pytest.mark.parametrize("what", ["stop", "suspend", "archive", "deploy"])
    def test_a_button_starts_its_operation(
        self, alice: Client, running_shop: Shop, what: str
    ) -> None:
        answer = alice.post(f"/admin/instances/instance/{running_shop.row.pk}/do/{what}/")
        assert answer["location"] == f"/operations/{running_shop.operation.uuid}/"

    def test_a_button_pressed_twice_says_what_runs(self, alice: Client, running_shop: Shop) -> None:
        address = f"/admin/instances/instance/{running_shop.row.pk}/do/stop/"
        alice.post(address)
        assert "“Stop Shop” is under way" in text_of(alice.post(address, follow=True))

    def test_following_a_link_changes_nothing(self, alice: Client, running_shop: Shop) -> None:
        address = f"/admin/instances/instance/{running_shop.row.pk}/do/stop/"
        assert alice.get(address).status_code == 404
        assert alice.post(address.replace("stop", "explode")).status_code == 404
        assert running_shop.operation.status == "succeeded"

    @pytest.mark.parametrize(
        "path",
        ["instance/abc/change/", "instance/999999/change/", "instance/catalogue/nothing/"],
    )
    def test_what_is_not_there_is_not_found(self, alice: Client, path: str) -> None:
        answer = alice.get(f"/admin/instances/{path}", follow=True)
        assert answer.status_code == 404 or "doesn’t exist" in text_of(answer)

    def test_the_workspace_is_no_app_to_install(self, alice: Client, acme: Isp) -> None:
        adopt(acme)
        address = "/admin/instances/instance/catalogue/dotmac-isp/"
        assert (alice.get(address).status_code, alice.post(address).status_code) == (404, 404)

    def test_opening_an_instance_leads_to_its_address(
        self, alice: Client, running_shop: Shop
    ) -> None:
        answer = alice.get(f"/instances/{running_shop.uuid}/open/")
        assert answer["location"] == "https://acme--shop.apps.localhost:8443/"
        assert running_shop.happened("instance.opened") == 1


class TestOperationPage:
    def test_it_is_cancelled_by_its_button(
        self, alice: Client, running_shop: Shop, run_due: RunDue
    ) -> None:
        operation = running_shop.deploy()
        address = f"/operations/{operation.uuid}/"
        assert "Cancelling" in text_of(alice.post(f"{address}cancel/", follow=True))
        run_due()
        assert "Cancelled, and what was made has been taken back" in text_of(
            alice.get(address, follow=True)
        )
        again = alice.post(f"{address}retry/")
        assert again["location"] == f"/operations/{running_shop.operation.uuid}/"

    def test_a_failure_shows_its_cause_and_its_log(
        self, alice: Client, running_shop: Shop, run_due: RunDue
    ) -> None:
        running_shop.engine.host.missing_images.add("example/shop:2.0")
        operation = running_shop.deploy()
        run_due()
        page = alice.get(f"/operations/{operation.uuid}/", follow=True)
        assert "Cannot find image example/shop:2.0" in text_of(page)
        assert page.content.decode().count('data-level="error"') == 1

    def test_its_buttons_are_refused_to_others(
        self, bob: Client, guest: Client, running_shop: Shop
    ) -> None:
        operation = running_shop.deploy()
        for person in (bob, guest):
            for what in ("cancel", "retry"):
                assert person.post(f"/operations/{operation.uuid}/{what}/").status_code == 404
        assert running_shop.operation.cancel_asked_at is None

    def test_one_of_a_pipeline_that_this_release_does_not_know_is_still_shown(
        self, alice: Client, root: Client, running_shop: Shop
    ) -> None:
        operation = running_shop.operation
        with schema_of(running_shop.isp.console):
            Operation.objects.filter(pk=operation.pk).update(name="instances.forgotten")
        assert alice.get(f"/operations/{operation.uuid}/", follow=True).status_code == 200
        assert root.get(operator_pages(running_shop)[2]).status_code == 200


class TestOperator:
    def test_staff_see_every_page(self, root: Client, running_shop: Shop) -> None:
        for path in operator_pages(running_shop):
            assert root.get(path).status_code == 200, path

    def test_a_stranger_is_sent_to_sign_in(self, running_shop: Shop) -> None:
        nobody = browser(OPERATOR_HOST)
        for path in operator_pages(running_shop):
            answer = nobody.get(path)
            assert answer.status_code == 302, path
            assert "login" in answer["location"]

    def test_an_isp_s_session_opens_nothing(self, alice: Client, running_shop: Shop) -> None:
        thief = browser(OPERATOR_HOST)
        thief.cookies["sessionid"] = alice.cookies["sessionid"].value
        for path in operator_pages(running_shop):
            assert thief.get(path).status_code == 302, path

    def test_the_list_of_work_has_what_runs_anywhere(
        self, root: Client, running_shop: Shop
    ) -> None:
        running_shop.deploy()
        said = text_of(root.get("/admin/work/due/"))
        assert said.count("Deploy Shop") == 2
        assert running_shop.isp.console in said

    def test_an_operation_is_steered_from_the_list(
        self, root: Client, running_shop: Shop, run_due: RunDue
    ) -> None:
        operation = running_shop.deploy()
        due = Due.objects.get(subject=str(operation.uuid))
        page = f"/admin/work/due/{due.pk}/"
        assert "Cancelling" in text_of(root.post(f"{page}do/cancel/", follow=True))
        run_due()
        root.post(f"{page}do/retry/")
        assert running_shop.operation.retry_of == operation.uuid
        assert running_shop.operation.actor_label == "root@dotmac.example"
        run_due()
        assert running_shop.row.release == "2.0"

    def test_steering_what_has_ended_says_so(self, root: Client, running_shop: Shop) -> None:
        due = Due.objects.get(subject=str(running_shop.operation.uuid))
        answer = root.post(f"/admin/work/due/{due.pk}/do/cancel/", follow=True)
        assert "has ended or is already being cancelled" in text_of(answer)
        assert root.get(f"/admin/work/due/{due.pk}/do/cancel/").status_code == 404
        assert root.post(f"/admin/work/due/{due.pk}/do/explode/").status_code == 404


class TestWorkspace:
    def test_staff_see_the_home(self, alice_at_work: Client) -> None:
        assert alice_at_work.get("/admin/").status_code == 200

    def test_a_stranger_is_sent_to_sign_in(self, acme: Isp, platform: None) -> None:
        answer = browser(acme.workspace_host).get("/admin/")
        assert answer.status_code == 302
        assert "login" in answer["location"]

    def test_the_console_s_session_does_not_open_it(
        self, acme: Isp, alice: Client, alice_at_work: Client
    ) -> None:
        thief = browser(acme.workspace_host)
        thief.cookies["sessionid"] = alice.cookies["sessionid"].value
        assert thief.get("/admin/").status_code == 302
