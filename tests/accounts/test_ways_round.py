"""Ways round a role that were open once."""

from uuid import UUID

import pytest
from django.test import Client

from apps.accounts import members
from apps.accounts.access import may
from apps.accounts.models import User
from apps.accounts.services import ensure_member
from apps.core.exceptions import ConflictError
from apps.events.actors import SYSTEM
from apps.instances import services as instances
from apps.instances.models import Instance
from apps.operations import services as operations
from apps.operations.models import Operation
from apps.tenancy.kinds import schema_of
from tests.accounts.test_roles import browser_of, member, program_of
from tests.conftest import Isp
from tests.instances.world import Shop, engine, new_shop, platform, running_shop, sign_up
from tests.keys import key_like

__all__ = ["engine", "new_shop", "platform", "running_shop", "sign_up"]

JSON = "application/json"
IDENTITY = UUID("22222222-2222-4222-8222-222222222222")


def failed(shop: Shop, what: str) -> Operation:
    """A change that somebody asked for and that did not work, long ago."""
    with schema_of(shop.isp.console):
        operation = instances.change(shop.row, what, actor=SYSTEM)
        Operation.objects.filter(pk=operation.pk).update(status=Operation.Status.FAILED)
        operation.refresh_from_db()
        return operation


@pytest.mark.parametrize(("what", "status"), [("archive", 403), ("suspend", 403), ("stop", 202)])
def test_who_may_not_do_it_does_not_repeat_it(
    acme: Isp, running_shop: Shop, what: str, status: int
) -> None:
    operation = failed(running_shop, what)
    with schema_of(acme.console):
        tess = member("tess", "technician")
        key = key_like(tess)[1].reveal()
        browser = browser_of(tess, acme)
    page = browser.get(f"/operations/{operation.uuid}/steps/").content.decode()
    assert ("/retry/" in page) is (status == 202)
    if status == 403:
        assert browser.post(f"/operations/{operation.uuid}/retry/").status_code == 403
        assert browser.post(f"/operations/{operation.uuid}/cancel/").status_code == 403
    path = f"/api/v1/operations/{operation.uuid}/retry/"
    assert program_of(acme, key).post(path, {}, JSON).status_code == status


def test_an_old_start_does_not_wake_what_was_suspended(acme: Isp, running_shop: Shop) -> None:
    with schema_of(acme.console):
        Instance.objects.filter(pk=running_shop.row.pk).update(status=Instance.Status.STOPPED)
    operation = failed(running_shop, "start")
    with schema_of(acme.console):
        Instance.objects.filter(pk=running_shop.row.pk).update(status=Instance.Status.SUSPENDED)
        with pytest.raises(ConflictError, match="is suspended"):
            operations.retry(operation, actor=SYSTEM)


def test_a_role_given_over_the_api_keeps_its_limits(acme: Isp, running_shop: Shop) -> None:
    limit = f"instance:{running_shop.uuid}"
    with schema_of(acme.console):
        owner = User.objects.create_superuser("alice@acme.example")
        lim = member("lim")
        members.set_role(lim, "viewer", by=owner, limits=[limit])
        program = program_of(acme, key_like(owner, "r")[1].reveal())
    path = f"/api/v1/people/{lim.uuid}/role/"
    assert program.post(path, {"role": "technician"}, JSON).json()["limits"] == [limit]
    everything = program.post(path, {"role": "technician", "limits": []}, JSON)
    assert everything.json()["limits"] == []


def test_a_limit_to_what_is_gone_stays_when_a_name_is_changed(
    acme: Isp, running_shop: Shop
) -> None:
    with schema_of(acme.console):
        owner = User.objects.create_superuser("alice@acme.example")
        lim = member("lim")
        members.set_role(lim, "viewer", by=owner, limits=[f"instance:{running_shop.uuid}"])
        held = members.limits_in_text(User.objects.get(pk=lim.pk))
        Instance.objects.all().update(uuid="11111111-1111-4111-8111-111111111111")
        browser = browser_of(owner, acme)
    page = browser.get(f"/admin/accounts/user/{lim.pk}/change/").content.decode()
    (ticked,) = [line for line in page.split("<input") if held[0] in line]
    assert "checked" in ticked


def entering(email: str, role: str) -> User:
    """Somebody comes from the platform."""
    return ensure_member(identity=IDENTITY, email=email, name="", role=role, actor=SYSTEM)


def test_a_role_that_was_taken_away_stays_away_at_the_next_hand_off(acme: Isp, db: None) -> None:
    with schema_of(acme.console):
        owner = User.objects.create_superuser("alice@acme.example")
        tess = entering("tess@acme.example", "technician")
        members.set_role(tess, members.NO_ROLE, by=owner)
        assert not may(entering("tess@acme.example", "technician"), "instances.view")


def test_the_last_owner_is_not_lowered_by_a_hand_off(acme: Isp, db: None) -> None:
    with schema_of(acme.console):
        User.objects.create_superuser("alice@acme.example")
        assert entering("alice@acme.example", "viewer").is_superuser
        User.objects.create_superuser("anna@acme.example")
        assert not entering("alice@acme.example", "viewer").is_superuser


def test_a_hash_is_not_guessed_letter_by_letter(acme: Isp, db: None) -> None:
    with schema_of(acme.console):
        User.objects.create_superuser("alice@acme.example")
        adam = member("adam", "admin")
        browser = browser_of(adam, acme)
    answer = browser.get("/admin/accounts/user/?password__startswith=md5")
    assert answer.status_code in (302, 400)
    export = browser.get("/admin/lists/accounts/user/export.csv?password__startswith=md5")
    assert export.status_code in (302, 400)


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("admin", 200)])
def test_who_may_not_take_subscribers_along_exports_no_list(
    acme: Isp, db: None, role: str, status: int
) -> None:
    with schema_of(acme.workspace):
        user = member("vera", role)
        browser = Client(headers={"host": acme.workspace_host})
        browser.force_login(user)
    for name in ("subscriber", "service"):
        answer = browser.get(f"/admin/lists/subscribers/{name}/export.csv")
        assert answer.status_code == status
    page = browser.get("/admin/subscribers/subscriber/").content.decode()
    assert "Export this list" not in page
