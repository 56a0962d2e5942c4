"""After the days of grace nothing of an organisation is left but its certificate."""

import json
import shutil
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone

from apps.accounts.models import User
from apps.backups.models import BackupTarget
from apps.branding.models import PostedMail
from apps.core.mailbox import messages
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.events.sealing import seal
from apps.events.verifying import verify
from apps.fleet import engines
from apps.fleet.edge import edge
from apps.fleet.models import Placement, Route
from apps.idp.models import RelyingParty
from apps.operations import services as operations
from apps.operations.models import Operation
from apps.operations.pipelines import Step, pipeline_of
from apps.tenancy.kinds import kept_aside, operator, schema_exists
from apps.tenants.erasing.services import PIPELINE, begin_due_erasures
from apps.tenants.models import Erasure, Membership, Organisation
from apps.tenants.slugs import is_free
from apps.work.models import Due
from dotmac.crypto.contracts import open_erasure
from dotmac.crypto.keys import VerifyKey
from tests.conftest import Isp
from tests.instances.deaths import die_and_go_on, kill_at
from tests.instances.kept import kept_shop
from tests.instances.world import Shop, the_edge
from tests.pages.conftest import signed_in
from tests.tenants.erasable import (
    ADVISER,
    CLERK,
    OWNER,
    ZEPHYR,
    close_and_wait,
    engine_says,
    files_that_say,
    fill,
    rows_that_say,
    words_of,
)

pytestmark = pytest.mark.django_db
RunDue = Callable[[], list[str]]
HOST = "dotmac.localhost"


@pytest.fixture(autouse=True)
def _own_files(settings: Any, tmp_path: Path) -> Iterator[None]:
    """A data directory of this test alone."""
    for name, value in _places(tmp_path).items():
        setattr(settings, name, value)
    yield
    engines.forget()
    edge.cache_clear()


@pytest.fixture(scope="module")
def made(
    django_db_setup: None,
    django_db_blocker: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[], tuple[Organisation, Shop]]]:
    """Zephyr, made once for all tests here."""
    folder = tmp_path_factory.mktemp("filled")
    with (
        django_db_blocker.unblock(),  # type: ignore[attr-defined]
        kept_shop(lambda _run_due: _fill(folder)) as shop,
    ):

        def again() -> tuple[Organisation, Shop]:
            shutil.copytree(folder, django_settings.VAR_DIR, dirs_exist_ok=True)
            with operator():
                return Organisation.objects.get(slug=ZEPHYR.slug), shop()

        yield again


def _fill(folder: Path) -> Shop:
    with override_settings(**_places(folder)):
        return fill()[1]


def _places(folder: Path) -> dict[str, Any]:
    """Settings by which all files lie in a folder."""
    mailbox = "apps.core.mailbox.MailboxBackend"
    return {"VAR_DIR": folder, "MEDIA_ROOT": folder / "media", "EMAIL_BACKEND": mailbox}


@pytest.fixture
def filled(
    made: Callable[[], tuple[Organisation, Shop]], db: None, _own_files: None
) -> tuple[Organisation, Shop]:
    """Zephyr, with something in everything."""
    return made()


@pytest.fixture
def erased(filled: tuple[Organisation, Shop], run_due: RunDue) -> tuple[Organisation, Shop]:
    """The same, closed, and erased by a worker."""
    close_and_wait(filled[0])
    run_due()
    return filled


def the_operation() -> Operation:
    with operator():
        return Operation.objects.filter(name=PIPELINE).order_by("-pk")[0]


def patiently(run_due: RunDue) -> None:
    """Let time pass between the tries of what fails for a while."""
    for _turn in range(12):
        run_due()
        Due.objects.filter(state="waiting").update(due_at=timezone.now())


def the_certificate() -> Erasure:
    with operator():
        return Erasure.objects.get()


def assert_is_gone(organisation: Organisation, shop: Shop) -> None:
    """Nothing of it in any table, file or container, but the certificate."""
    operation = the_operation()
    assert operation.cause == ""
    assert operation.status == "succeeded"
    assert operation.memory == {}
    words = set(words_of(organisation))
    found = rows_that_say([*words, ZEPHYR.name])
    telling = {place for place, said in found.items() if words & set(said)}
    assert telling == {"public.tenants_erasure"}, found
    named = {place for place, said in found.items() if ZEPHYR.name in said}
    assert named <= {
        f"public.{name}"
        for name in ("tenants_erasure", "operations_operation", "work_due", "events_event")
    }
    assert engine_says(shop) == []
    assert not [host for host in the_edge().routes if ZEPHYR.slug in host]
    certificate = the_certificate()
    assert certificate.sealed == ""
    assert certificate.erased_at is not None


def test_the_look_finds_it_while_it_is_there(filled: tuple[Organisation, Shop]) -> None:
    organisation, shop = filled
    found = set(rows_that_say(words_of(organisation)))
    wanted = (
        "accounts_invitation accounts_user alerts_alert alerts_mailpath core_idempotentanswer"
        " django_session events_event fleet_placement fleet_route lists_savedview"
        " notifications_notification notifications_suppressed operations_logline tenancy_domain"
        " tenancy_failedmigration tenancy_tenant tenants_organisation"
        " certificates_certificate certificates_issuedcertificate doctor_checkstate"
        " fleet_certificate operations_operation"
        " webhooks_attempt work_due work_mark"
    )
    assert {f"public.{name}" for name in wanted.split()} <= found
    assert {f"{ZEPHYR.workspace}.accounts_user", f"{ZEPHYR.console}.instances_instance"} <= found
    assert engine_says(shop)


def test_nothing_is_left_but_the_certificate(erased: tuple[Organisation, Shop]) -> None:
    organisation, shop = erased
    assert_is_gone(organisation, shop)
    with operator():
        mail = messages()[0]
        assert mail["to"] == OWNER
        assert the_certificate().token in mail["text"].replace("\n", "")
        assert not PostedMail.objects.exists()


def test_what_a_restore_had_kept_aside_goes_too(
    filled: tuple[Organisation, Shop], run_due: RunDue
) -> None:
    kept = kept_aside(ZEPHYR.workspace)
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE SCHEMA "{kept}"')
        cursor.execute(f'CREATE TABLE "{kept}".subscriber AS SELECT %s AS name', [ZEPHYR.slug])
    close_and_wait(filled[0])
    run_due()
    assert not schema_exists(kept)
    assert_is_gone(*filled)
    assert the_certificate().counts[kept] == {"subscriber": 1}


def test_files_hold_nothing_either(erased: tuple[Organisation, Shop], settings: Any) -> None:
    (sent,) = files_that_say(words_of(erased[0])) or [""]
    # What was just sent to its owner, which no mailbox here would keep, is all.
    assert sent.startswith(str(Path(settings.VAR_DIR) / "mail"))
    assert OWNER in Path(sent).read_text()


def test_others_keep_what_is_theirs(erased: tuple[Organisation, Shop], initech: Isp) -> None:
    with operator():
        assert User.objects.filter(email=ADVISER).exists()
        assert not User.objects.filter(email__in=[OWNER, CLERK]).exists()
        assert User.objects.filter(email="root@dotmac.example").exists()
        assert Membership.objects.filter(organisation__slug=initech.slug).count() == 2
        (party,) = RelyingParty.objects.all()
        assert [str(one) for one in party.organisations.all()] == [initech.name]
        assert Organisation.objects.get().slug == initech.slug
        assert not Route.objects.filter(schema=ZEPHYR.console).exists()
        assert not Placement.objects.exists()
        seal()
        report = verify()
        assert report.findings == []
        assert report.erased > 0


def test_the_certificate_says_what_went_and_is_signed(
    erased: tuple[Organisation, Shop], settings: Any
) -> None:
    certificate = the_certificate()
    assert certificate.counts["containers"] == {
        "containers": 2,
        "instances": 2,
        "networks": 2,
        "volumes": 2,
    }
    assert certificate.counts[ZEPHYR.workspace]["subscribers_subscriber"] == 4
    assert certificate.counts["rows"]["accounts.user"] == 2
    assert (certificate.backups_until - certificate.erased_at).days == 35  # type: ignore[operator]
    root = signed_in(HOST, "public", "judge@dotmac.example")
    page = root.get(f"/admin/tenants/erasure/{certificate.pk}/change/")
    assert "The signature fits" in page.content.decode()
    assert root.get("/admin/tenants/erasure/").status_code == 200
    printed = root.get(f"/admin/tenants/erasure/{certificate.pk}/print/").content.decode()
    assert "Certificate of erasure" in printed
    file = root.get(f"/admin/tenants/erasure/{certificate.pk}/certificate.json")
    said = json.loads(file.content)
    keys = [VerifyKey.from_pem(pem) for pem in said["keys"]]
    opened = open_erasure(said["token"], keys, issuer=settings.BASE_DOMAIN).value
    assert str(opened.organisation) == said["certificate"]["organisation"]
    assert opened.counts == certificate.counts


def test_the_certificate_knows_how_long_backups_are_kept(
    filled: tuple[Organisation, Shop], run_due: RunDue
) -> None:
    with operator():
        BackupTarget.objects.create(address="/mnt/offsite", is_on=True, keep_weekly=10)
    close_and_wait(filled[0])
    run_due()
    certificate = the_certificate()
    assert (certificate.backups_until - certificate.erased_at).days == 77  # type: ignore[operator]


def test_the_command_finds_what_was_changed_or_came_back(
    erased: tuple[Organisation, Shop],
) -> None:
    certificate = the_certificate()
    out = StringIO()
    call_command("verify_erasure", str(erased[0].uuid), stdout=out)
    assert "holds" in out.getvalue()
    with operator():
        User.objects.create_user("new@example.net", name=f"of {ZEPHYR.console}")
        with pytest.raises(CommandError, match=r"accounts_user names it in 1 row\."):
            call_command("verify_erasure", str(certificate.uuid))
        User.objects.filter(email="new@example.net").delete()
        Erasure.objects.update(name="Somebody else")
        with pytest.raises(CommandError, match="not what was signed"):
            call_command("verify_erasure", str(certificate.uuid))
        Erasure.objects.update(name=certificate.name, token=certificate.token[:-4] + "AAAA")
        with pytest.raises(CommandError, match="signature"):
            call_command("verify_erasure", str(certificate.uuid))


def test_its_address_is_nobodys_any_more(erased: tuple[Organisation, Shop]) -> None:
    with operator():
        assert not is_free(ZEPHYR.slug)
    nobody = Client(headers={"host": ZEPHYR.console_host})
    assert nobody.get("/").status_code == 404


def test_a_new_table_that_keeps_something_is_found(
    filled: tuple[Organisation, Shop], run_due: RunDue
) -> None:
    with connection.cursor() as cursor:
        cursor.execute('CREATE TABLE "public"."gossip_rumour" (said jsonb)')
        values = [json.dumps({"of": [{"them": filled[0].uuid.hex}]})]
        cursor.execute('INSERT INTO "public"."gossip_rumour" VALUES (%s)', values)
    close_and_wait(filled[0])
    run_due()
    failed = the_operation()
    assert failed.status == "failed"
    assert "gossip_rumour (1)" in failed.cause
    assert the_certificate().erased_at is None
    assert set(rows_that_say([filled[0].uuid.hex])) == {"public.gossip_rumour"}
    with connection.cursor() as cursor:
        cursor.execute('TRUNCATE "public"."gossip_rumour"')
    with operator():
        operations.retry(failed, actor=SYSTEM)
    run_due()
    assert_is_gone(*filled)
    assert the_certificate().counts["containers"]["volumes"] == 2


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", pipeline_of(PIPELINE).steps)
def test_a_worker_that_dies_between_two_steps_is_followed(
    filled: tuple[Organisation, Shop],
    run_due: RunDue,
    monkeypatch: pytest.MonkeyPatch,
    step: type[Step],
    when: str,
) -> None:
    close_and_wait(filled[0])
    if step.key == "instances":
        # It waits for its instances first, which is another way out than its end.
        when = "before"
    kill_at(monkeypatch, step, "run", when)
    die_and_go_on(run_due)
    assert_is_gone(*filled)
    assert the_certificate().counts["containers"]["volumes"] == 2
    assert [mail["to"] for mail in messages()].count(OWNER) == 1


@pytest.mark.parametrize(
    "point", ["remove_container", "remove_container:after", "remove_volume", "remove_network"]
)
def test_a_worker_that_dies_at_a_call_of_the_engine_is_followed(
    filled: tuple[Organisation, Shop], run_due: RunDue, point: str
) -> None:
    organisation, shop = filled
    close_and_wait(organisation)
    engines.fake_engine("one").kill(point)
    die_and_go_on(run_due)
    assert_is_gone(organisation, shop)
    assert the_certificate().counts["containers"]["containers"] == 2


def test_an_instance_that_cannot_be_removed_is_told_and_tried_again(
    filled: tuple[Organisation, Shop], run_due: RunDue
) -> None:
    close_and_wait(filled[0])
    engine = engines.fake_engine("one")
    # As often as the step is tried.
    engine.fail("remove_volume", times=5)
    patiently(run_due)
    failed = the_operation()
    assert failed.status == "failed"
    assert "remove_volume" in failed.cause
    assert Organisation.objects.filter(slug=ZEPHYR.slug).exists()
    with operator():
        operations.retry(failed, actor=SYSTEM)
    patiently(run_due)
    assert_is_gone(*filled)


def test_what_was_taken_back_is_not_begun(filled: tuple[Organisation, Shop]) -> None:
    with operator():
        assert begin_due_erasures() == 0
        assert not Erasure.objects.exists()
        assert not Event.objects.filter(type="organisation.erased").exists()
