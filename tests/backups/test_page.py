"""The page “Backups”: who sees it, what it keeps to itself, what it alarms of."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Membership, Role, User
from apps.alerts.models import Alert
from apps.backups import services, watching
from apps.backups.models import BackupAlarm, BackupRun, BackupTarget
from apps.backups.targets import key_of, needs_kit, place_of, target_as_it_is
from apps.core.exceptions import ConflictError
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.tenancy.kinds import PUBLIC
from dotmac.backups import Store, open_kit
from dotmac.backups.records import read_repository
from dotmac.crypto.secret import Secret
from tests.accounts.conftest import PASSWORD
from tests.notifications.conftest import browser_of, show_events

PAGE = "/admin/backups/backuptarget/"
KIT = f"{PAGE}kit/"
PASSPHRASE = "a long winter in Lapland"


@pytest.fixture
def hers(olga: User) -> Client:
    """Olga's browser."""
    return browser_of(olga, "dotmac.localhost", "public")


def _entered(**changed: Any) -> dict[str, Any]:
    values = {"version": 0, "kind": "s3", "address": "https://s3.example.com/bucket/platform"}
    values |= {"user": "access", "secret": "hunter-two", "region": "", "host_key": ""}
    values |= {"keep_daily": 7, "keep_weekly": 4, "wal_limit_gb": 10, "is_on": "on"}
    return {**values, **changed}


@pytest.fixture
def target(hers: Client, own_database: None) -> BackupTarget:
    """Where backups go, as Olga entered it."""
    answer = hers.post(PAGE, _entered())
    assert answer.status_code == 302, answer.content.decode()
    return target_as_it_is()


def test_what_is_secret_goes_in_and_never_comes_out(hers: Client, target: BackupTarget) -> None:
    assert place_of(target).secret.reveal() == "hunter-two"
    page = hers.get(PAGE).content.decode()
    assert "A secret is kept." in page
    for hidden in ("hunter-two", key_of(target).reveal(), target.secret, target.key):
        assert hidden not in page
    event = Event.objects.get(type="backup_target.changed")
    assert "hunter-two" not in str(event.data)


def test_another_place_is_not_told_the_secret_of_this_one(
    hers: Client, target: BackupTarget
) -> None:
    elsewhere = _entered(version=1, address="https://elsewhere.example/bucket", secret="")
    answer = hers.post(PAGE, elsewhere)
    assert "Enter the secret that belongs to this place." in answer.content.decode()
    assert place_of(target_as_it_is()).address == "https://s3.example.com/bucket/platform"


def test_two_owners_do_not_overwrite_each_other(hers: Client, target: BackupTarget) -> None:
    answer = hers.post(PAGE, _entered(version=0, keep_daily=1))
    assert "Somebody else has changed this meanwhile" in answer.content.decode()


def test_without_a_database_of_its_own_it_says_who_backs_it_up(hers: Client) -> None:
    page = hers.post(PAGE, _entered()).content.decode()
    assert "DATABASE_URL" in page
    assert not BackupTarget.objects.filter(is_on=True).exists()


def test_a_kit_is_asked_for_until_one_is_made(
    hers: Client, target: BackupTarget, settings: Any
) -> None:
    assert "Make a recovery kit" in hers.get("/admin/").content.decode()
    hers.post("/accounts/reauthenticate/", {"password": PASSWORD})
    refused = hers.post(KIT, {"passphrase": PASSPHRASE, "again": "another one altogether"})
    assert "The two are not the same." in refused.content.decode()
    file = hers.post(KIT, {"passphrase": PASSPHRASE, "again": PASSPHRASE})
    kit = open_kit(file.content.decode(), Secret(PASSPHRASE))
    assert kit.key == key_of(target)
    assert kit.environment["SECRET_KEY"].reveal() == settings.SECRET_KEY
    assert "hunter-two" not in file.content.decode()
    assert not needs_kit(target_as_it_is())
    assert Event.objects.filter(type="backup_kit.made").count() == 1
    sheet = hers.post(KIT, {"sheet": "1"})
    assert "hunter-two" in sheet.content.decode()
    assert "no-store" in sheet["Cache-Control"]
    # Another key of the installation makes the kit one of the past.
    settings.SECRET_KEY_FALLBACKS = ["the one before"]
    assert needs_kit(target_as_it_is())


def test_a_session_that_was_left_open_opens_no_kit(hers: Client, target: BackupTarget) -> None:
    passphrases = {"passphrase": PASSPHRASE, "again": PASSPHRASE}

    def refused() -> None:
        for answer in (hers.get(KIT), hers.post(KIT, {"sheet": "1"}), hers.post(KIT, passphrases)):
            assert answer["location"].startswith("/accounts/reauthenticate/")
            assert key_of(target).reveal() not in answer.content.decode()

    refused()
    hers.post("/accounts/reauthenticate/", {"password": "a guess"})
    refused()
    assert not Event.objects.filter(type="backup_kit.made").exists()


def _somebody(role: str, *permissions: str) -> Client:
    """The browser of somebody of the operator with a built-in role, or these permissions."""
    own = Role.objects.create(name=role, permissions=list(permissions)) if permissions else None
    user = User.objects.create_user(f"{role}@dotmac.example", is_staff=True)
    Membership.objects.create(user=user, role="" if own else role, own_role=own)
    return browser_of(user, "dotmac.localhost", "public")


def test_who_sees_backups_does_only_what_their_role_gives(target: BackupTarget) -> None:
    assert _somebody("viewer").get(PAGE).status_code == 403
    support, technician = _somebody("support"), _somebody("technician")
    assert "Back up now" not in support.get(PAGE).content.decode()
    assert support.post(f"{PAGE}now/", {"kind": "full"}).status_code == 403
    seen = technician.get(PAGE).content.decode()
    assert "Back up now" in seen
    assert "Where backups go" not in seen
    assert target.address not in seen
    for path in ("", "try/", "kit/"):
        assert technician.post(f"{PAGE}{path}", _entered(version=1)).status_code == 403, path
    assert technician.post(f"{PAGE}now/", {"kind": "full"}).status_code == 302
    assert BackupRun.objects.filter(kind="full", slot=1).exists()
    keeper = _somebody("keeper", "backups.view", "backups.manage")
    page = keeper.get(PAGE).content.decode()
    assert "Where backups go" in page
    assert "hunter-two" not in page
    assert KIT not in page
    assert keeper.get(KIT).status_code == 403
    assert keeper.post(PAGE, _entered(version=1, secret="", keep_daily=9)).status_code == 302
    assert target_as_it_is().keep_daily == 9


def test_one_is_made_at_a_time_and_by_its_schedule(target: BackupTarget) -> None:
    assert services.kind_due(timezone.now()) == "full"
    run = services.ask("full", actor=SYSTEM)
    with pytest.raises(ConflictError):
        services.ask("test", actor=SYSTEM)
    assert services.kind_due(timezone.now()) == ""
    services.end_well(run, name="a set", size=5)
    now = timezone.now()
    assert services.kind_due(now) == "test"
    services.end_well(services.ask("test", actor=SYSTEM), report={"tenants": 3})
    assert services.kind_due(now) == ""
    assert services.kind_due(now + timedelta(hours=25)) == "differential"
    assert services.kind_due(now + timedelta(days=8)) == "full"
    services.end_badly(services.ask("differential", actor=SYSTEM), "The place does not answer.")
    assert services.kind_due(now) == ""
    assert services.kind_due(now + timedelta(hours=25)) == "full"


def test_what_is_wrong_for_too_long_is_told_once_and_once_that_it_is_over(
    target: BackupTarget, olga: User
) -> None:
    assert watching.look() == 0
    long_ago = timezone.now() - timedelta(hours=27)
    BackupTarget.objects.update(
        on_since=long_ago, carried_at=long_ago, failing_since=long_ago, last_error="Away."
    )
    assert watching.look() == 3
    assert watching.look() == 0
    show_events(PUBLIC)
    told = Alert.objects.filter(resolved_at=None).values_list("kind", flat=True)
    assert set(told) == {"backup.overdue", "backup.lagging", "backup.away"}
    BackupTarget.objects.update(
        carried_at=timezone.now(), failing_since=None, last_error="", is_on=True
    )
    services.end_well(services.ask("full", actor=SYSTEM), name="a set", size=5)
    assert watching.look() == 3
    show_events(PUBLIC)
    assert not Alert.objects.filter(resolved_at=None).exists()
    assert not BackupAlarm.objects.exists()


def test_a_restore_test_that_fails_is_an_alert(target: BackupTarget, olga: User) -> None:
    services.end_badly(services.ask("test", actor=SYSTEM), "The restored event log does not prove.")
    watching.look()
    show_events(PUBLIC)
    assert "does not prove" in Alert.objects.get(kind="backup.test").body
    page_runs = BackupRun.objects.get()
    assert page_runs.status == "failed"


def test_the_button_tries_the_place(
    hers: Client, own_database: None, far_folder: Path, run_due: Callable[[], list[str]]
) -> None:
    place = far_folder / "mounted"
    place.mkdir()
    entered = _entered(kind="directory", address=str(place), user="", secret="")
    assert hers.post(PAGE, entered).status_code == 302
    answer = hers.post(f"{PAGE}try/", follow=True)
    assert "It takes what is written there" in answer.content.decode()
    assert not list(place.iterdir())


def test_carrying_begins_a_repository_and_says_what_is_wrong(
    hers: Client, own_database: None, far_folder: Path, run_due: Callable[[], list[str]]
) -> None:
    place = far_folder / "mounted"
    place.mkdir()
    entered = _entered(kind="directory", address=str(place), user="", secret="")
    assert hers.post(PAGE, entered).status_code == 302
    run_due()
    target = target_as_it_is()
    store = Store(place_of(target), key_of(target))
    assert read_repository(store).installation == str(target.installation)
    assert target.carried_at
