"""A restored database has forgotten erasures; off site they are known, and done again."""

import json
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.personal import erase_user
from apps.accounts.services import create_user
from apps.backups import ledger
from apps.billing import services as billing
from apps.core.exceptions import ConflictError
from apps.core.health import Finding
from apps.doctor.looking import chosen, look
from apps.events.actors import SYSTEM
from apps.fleet import engines
from apps.fleet.edge import edge
from apps.subscribers.models import Subscriber
from apps.subscribers.personal import erase_subscriber
from apps.subscribers.services import activate_service, add_service, create_subscriber
from apps.tenancy.kinds import CONSOLE, WORKSPACE, operator, schema_exists, schema_of
from apps.tenancy.services import create_tenant
from apps.tenants.erasing.again import erase_again
from apps.tenants.models import ErasedPerson, Erasure, Organisation
from dotmac.backups import Store, Target
from dotmac.crypto.secret import generate_secret
from tests.accounts.browser import Browser
from tests.accounts.conftest import PASSWORD
from tests.accounts.test_hand_off import FRONT
from tests.conftest import Isp
from tests.instances.world import adopt
from tests.notifications.conftest import show_events
from tests.tenants.erasable import ZEPHYR, close_and_wait, fill, rows_that_say, words_of

pytestmark = pytest.mark.django_db
RunDue = Callable[[], list[str]]


@pytest.fixture(autouse=True)
def _own_files(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.VAR_DIR = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.EMAIL_BACKEND = "apps.core.mailbox.MailboxBackend"
    yield
    engines.forget()
    edge.cache_clear()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """The place off site."""
    return Store(Target("directory", str(tmp_path / "offsite")), generate_secret(32))


@pytest.fixture
def erased(store: Store, run_due: RunDue) -> Erasure:
    """Zephyr, erased, and its certificate carried off site."""
    organisation, _shop = fill()
    close_and_wait(organisation)
    run_due()
    with operator():
        assert ledger.compare(store) == 0
        return Erasure.objects.get()


def restore(certificate: Erasure, **changes: Any) -> Organisation:
    """As a database of before has it: the organisation is here, and of its erasure is nothing."""
    Erasure.objects.all().delete()
    for kind, host in ((CONSOLE, ZEPHYR.console_host), (WORKSPACE, ZEPHYR.workspace_host)):
        create_tenant(kind=kind, slug=ZEPHYR.slug, name=ZEPHYR.name, host=host)
    made = adopt(ZEPHYR)
    Organisation.objects.filter(pk=made.pk).update(uuid=certificate.organisation, **changes)
    return Organisation.objects.get(pk=made.pk)


def found() -> list[Finding]:
    (check,) = chosen(["erasures"])
    return list(look(check).findings)


def test_a_restored_database_is_told_of_the_erasure_and_does_it_again(
    erased: Erasure, store: Store, run_due: RunDue
) -> None:
    with operator():
        organisation = restore(erased)
        assert ledger.compare(store, anew=True) == 1
        # Once; and the row is what was signed.
        assert ledger.compare(store, anew=True) == 0
        known = Erasure.objects.get()
        assert (known.uuid, known.token, known.begun_at, known.erased_at) == (
            erased.uuid, erased.token, erased.begun_at, erased.erased_at,
        )  # fmt: skip
        assert known.schemas == [ZEPHYR.console, ZEPHYR.workspace]
        (problem,) = found()
        assert ZEPHYR.name in problem.said
        out = StringIO()
        call_command("erase_again", stdout=out)
        assert str(erased.uuid) in out.getvalue()
        assert schema_exists(ZEPHYR.workspace)
        call_command("erase_again", str(erased.organisation), stdout=out)
        with pytest.raises(ConflictError, match="is being erased"):
            erase_again(known, actor=SYSTEM)
        run_due()
        anew = Erasure.objects.get()
        assert anew.uuid == erased.uuid
        assert erased.erased_at is not None
        assert anew.erased_at is not None
        assert anew.erased_at > erased.erased_at
        assert not schema_exists(ZEPHYR.workspace)
        assert set(rows_that_say(words_of(organisation))) == {"public.tenants_erasure"}
        assert found() == []
        call_command("verify_erasure", str(erased.uuid), stdout=StringIO())


def test_a_file_of_the_certificate_does_where_the_place_is_lost(
    erased: Erasure, tmp_path: Path, store: Store, run_due: RunDue
) -> None:
    file = tmp_path / "certificate.json"
    content = store.read(f"ledger/erasures/{erased.uuid}.json")
    with operator():
        restore(erased)
        file.write_bytes(content.replace(b'"token": "', b'"token": "x'))
        with pytest.raises(CommandError, match="not signed by this installation"):
            call_command("erase_again", certificate=file)
        file.write_text("[]")
        with pytest.raises(CommandError, match="no certificate"):
            call_command("erase_again", certificate=file)
        assert not Erasure.objects.exists()
        file.write_bytes(content)
        call_command("erase_again", "--all", certificate=file, stdout=StringIO())
        run_due()
        assert not Organisation.objects.filter(uuid=erased.organisation).exists()


def test_what_others_wrote_there_is_not_believed(erased: Erasure, store: Store) -> None:
    name = f"ledger/erasures/{erased.uuid}.json"
    store.write(name, store.read(name).replace(b'"token": "', b'"token": "x'))
    with operator():
        restore(erased)
        assert ledger.compare(store, anew=True) == 0
        assert not Erasure.objects.exists()


def test_what_is_in_its_days_of_grace_goes_by_itself(erased: Erasure, store: Store) -> None:
    with operator():
        restore(erased, status="closed", erase_after=timezone.now())
        assert ledger.compare(store, anew=True) == 0
        assert not Erasure.objects.exists()


def _people(acme: Isp) -> dict[str, UUID]:
    """Carl of the console and Dora, a customer, who are erased."""
    with schema_of(acme.console):
        carl = User.objects.create_user("carl@acme.example")
        carl_id = carl.uuid
        erase_user(carl, actor=SYSTEM)
    with schema_of(acme.workspace):
        dora = create_subscriber(
            name="Dora", email="dora@example.com", user=None, address={"street": "1"}, actor=SYSTEM
        )
        dora_id = dora.uuid
        erase_subscriber(dora, actor=SYSTEM)
    for schema in (acme.console, acme.workspace):
        show_events(schema)
    return {"user": carl_id, "subscriber": dora_id}


def test_people_who_came_back_are_erased_again(acme: Isp, store: Store) -> None:
    ids = _people(acme)
    with operator():
        assert set(ErasedPerson.objects.values_list("kind", "person")) == set(ids.items())
        assert ledger.compare(store) == 0
        # As a database of before has it.
        ErasedPerson.objects.all().delete()
    with schema_of(acme.console):
        User.objects.create_user("carl@acme.example", uuid=ids["user"])
    with schema_of(acme.workspace):
        Subscriber.objects.filter(uuid=ids["subscriber"]).update(name="Dora")
    with operator():
        assert ledger.compare(store, anew=True) == 2
        (problem,) = found()
        assert problem.values["count"] == 2
        call_command("erase_again", "--all", stdout=StringIO())
        assert found() == []
    with schema_of(acme.console):
        assert not User.objects.filter(uuid=ids["user"]).exists()
    with schema_of(acme.workspace):
        assert Subscriber.objects.get(uuid=ids["subscriber"]).name != "Dora"
    for schema in (acme.console, acme.workspace):
        show_events(schema)
    assert not ErasedPerson.objects.filter(restored_at__isnull=False).exists()


def _serve(subscriber: UUID) -> None:
    """As it was before: Dora has a service."""
    Subscriber.objects.filter(uuid=subscriber).update(name="Dora", status="active")
    plan = billing.create_plan(key="fiber", name="Fiber", actor=SYSTEM)
    version = billing.publish_version(plan, billing.Terms("SEK", 39_900), actor=SYSTEM)
    dora = Subscriber.objects.get(uuid=subscriber)
    activate_service(add_service(dora, plan_version=version, actor=SYSTEM), actor=SYSTEM)


def test_somebody_with_a_service_is_named_and_the_others_go(acme: Isp, store: Store) -> None:
    ids = _people(acme)
    with operator():
        ledger.compare(store)
        ErasedPerson.objects.all().delete()
    with schema_of(acme.console):
        User.objects.create_user("carl@acme.example", uuid=ids["user"])
    with schema_of(acme.workspace):
        _serve(ids["subscriber"])
    with operator():
        ledger.compare(store, anew=True)
        with pytest.raises(CommandError, match="still has a service"):
            call_command("erase_again", "--all", stdout=StringIO())
    with schema_of(acme.console):
        assert not User.objects.filter(uuid=ids["user"]).exists()


def test_of_a_schema_that_is_gone_nobody_is_kept(store: Store) -> None:
    with operator():
        store.write(
            f"ledger/erased-people/w_gone.user.{uuid4()}.json",
            json.dumps({"erased_at": timezone.now().isoformat()}).encode(),
        )
        assert ledger.compare(store, anew=True) == 0
        assert not ErasedPerson.objects.exists()


def test_the_page_lists_what_came_back_and_erases_it(
    erased: Erasure, store: Store, run_due: RunDue
) -> None:
    browser = Browser()
    with operator():
        restore(erased)
        ledger.compare(store, anew=True)
        create_user(
            email="ruth@dotmac.example",
            password=PASSWORD,
            is_verified=True,
            is_staff=True,
            is_superuser=True,
            actor=SYSTEM,
        )
    browser.sign_in("ruth@dotmac.example", PASSWORD)
    seen = browser.visit(f"{FRONT}/admin/tenants/erasure/again/")
    assert f"Erase {ZEPHYR.name} again" in seen.content.decode()
    form = {"erasure": str(Erasure.objects.get().pk)}
    browser.submit(f"{FRONT}/admin/tenants/erasure/again/", form, follow=False)
    assert "/operations/" in browser.page["Location"]
    run_due()
    with operator():
        assert not Organisation.objects.filter(uuid=erased.organisation).exists()
