"""One row at least of everything that has a page, in Acme's schemas and at the operator."""

from contextlib import nullcontext
from datetime import datetime, timedelta
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.files.base import ContentFile
from django.test import override_settings
from django.utils import timezone

from apps.accounts.invitations import invite
from apps.accounts.models import Membership, Role, User
from apps.accounts.providers.models import IdentityProvider
from apps.accounts.services import create_user
from apps.alerts.channels import create_channel
from apps.alerts.models import AlertDelivery
from apps.backups.models import BackupAlarm, BackupRun, BackupTarget, FormerPlace
from apps.billing import services as billing
from apps.certificates.models import Certificate as Ordered
from apps.certificates.models import IssuedCertificate
from apps.doctor.models import CheckState
from apps.doctor.services import start_checkup
from apps.events import services as events
from apps.events.actors import SYSTEM, user_actor
from apps.events.models import Event
from apps.fleet.models import Certificate, ServerPlan
from apps.idp.services import PartyWords, save_party
from apps.marketplace.services import publish
from apps.notifications.models import Delivery as Message
from apps.notifications.models import Notification, Suppressed
from apps.subscribers import imports, services
from apps.subscribers.models import SubscriberImport
from apps.tenancy.kinds import PUBLIC, WORKSPACE, schema_of
from apps.tenancy.models import FailedMigration
from apps.tenancy.services import create_tenant
from apps.tenants.erasing.certificates import certify
from apps.tenants.migrating import migrate_tenants
from apps.tenants.models import ErasedPerson, Erasure, Impersonation, Organisation
from apps.webhooks.models import Attempt, Delivery, Endpoint
from apps.work.jobs import run as run_job
from apps.work.models import Due
from dotmac.crypto.secret import Secret
from tests.conftest import ACME, INITECH
from tests.instances.world import adopt, arrange_release, furnish, install_shop, shop
from tests.keys import key_like

SCHEMAS = {"operator": PUBLIC, "console": ACME.console, "workspace": ACME.workspace}
PASSWORD = "a long winter in Lapland"
OWNER, CUSTOMER = "owner@acme.example", "dora@example.com"
_LIST = (
    "number,name,email,phone,street,postcode,city,country,plan,username,status,external_id\n"
    "N-900,Kim Lind,kim@example.com,,1 Oak Avenue,50613,Cedar Falls,US,Fiber 100,kim,active,X9\n"
    "N-901,,nobody,,2 Oak Avenue,50613,Cedar Falls,US,Fiber 7,lee,active,X8\n"
)


def fill() -> dict[str, str]:
    """Make all of it, in a database where nothing of it is yet; commits.

    What parameters of addresses mean: by kind or page, and the parameter's name.
    """
    furnish()
    adopt(ACME)
    made = install_shop(ACME)
    arrange_release(made, 1)
    with schema_of(ACME.workspace):
        _subscribers()
    _work()
    publish(shop("2.0"))
    known = {"console instance_id": str(made.uuid)}
    for kind, schema in SCHEMAS.items():
        with schema_of(schema):
            known[f"{kind} token"] = _people(kind)
            known[f"{kind} notification_id"] = str(Notification.objects.latest("pk").uuid)
    known["organisation_invitation token"] = known["console token"]
    with schema_of(ACME.workspace):
        checked = SubscriberImport.objects.get(filename="list.csv")
        known["admin:subscribers_import_result uuid"] = str(checked.uuid)
        known["mfa_edit_webauthn pk"] = known["mfa_remove_webauthn pk"] = _factors()
    known["consent"] = _operate()
    return known


def _people(kind: str) -> str:
    """An owner, who asks for every page, with people, keys and messages; an invitation's text."""
    owner, _made = User.objects.get_or_create(email=OWNER)
    # In a console nobody has a password.
    owner.set_password(None if kind == "console" else PASSWORD)
    owner.name, owner.is_staff, owner.is_superuser = "Alice Acme", True, True
    owner.save()
    EmailAddress.objects.get_or_create(user=owner, email=OWNER, verified=True, primary=True)
    if kind != "console":
        IdentityProvider.objects.create(
            kind="google",
            key="office",
            name="Office",
            client_id="x",
            secret="",
            domains=["acme.example"],
        )
    messages(owner)
    return people(owner)


def people(owner: User) -> str:
    """Whom and what an admin has beside its owner; the text of an invitation's link."""
    viewer = User.objects.create_user("vic@acme.example", is_staff=True)
    Membership.objects.create(user=viewer, role="viewer")
    desk = Role.objects.create(name="Desk", permissions=["people.view", "plans.view"])
    key_like(owner)
    _invitation, token = invite(email="new@acme.example", role="viewer", by=owner)
    rights = {"before": ["people.view", "keys.use"], "after": desk.permissions}
    events.record("role.changed", actor=user_actor(owner), subject=desk, data=rights)
    return token.reveal()


def _factors() -> str:
    """The owner's authenticator app and recovery codes, and a customer's passkey: its number."""
    owner, customer = User.objects.get(email=OWNER), User.objects.get(email=CUSTOMER)
    data = {"name": "Laptop", "credential": {}, "passwordless": True}
    passkey = Authenticator.objects.create(user=customer, type="webauthn", data=data)
    TOTP.activate(owner, generate_totp_secret())
    RecoveryCodes.activate(owner)
    return str(passkey.pk)


def messages(owner: User) -> None:
    """What somebody was told and how, and a webhook with a delivery that failed once."""
    now = timezone.now()
    event = Event.objects.order_by("pk").first()
    told = Notification.objects.create(
        user=owner,
        kind="account.new_browser",
        key="x",
        data=event.data if event else {},
        url="/admin/",
    )
    Message.objects.create(notification=told, channel="email", address=owner.email, status="failed")
    Suppressed.objects.create(address="gone@example.net", reason="It does not exist.")
    endpoint = Endpoint.objects.create(
        url="https://crm.acme.example/hook", description="CRM", types=[], secret=""
    )
    delivery = Delivery.objects.create(
        endpoint=endpoint, event=endpoint.uuid, type="user.created", due_at=now, created_at=now
    )
    Attempt.objects.create(
        delivery=delivery, at=now, status=500, duration_ms=37, error="It answered 500."
    )


def _subscribers() -> None:
    """A plan, a customer with a service and a log-in, and a list with an error that was checked."""
    plan = billing.create_plan(key="fiber-100", name="Fiber 100", actor=SYSTEM)
    speeds = {"down_kbps": 100_000, "up_kbps": 50_000}
    offer = billing.Terms(currency="USD", flat_minor=3900, entitlements=speeds)
    version = billing.publish_version(plan, offer, actor=SYSTEM)
    user = create_user(email=CUSTOMER, password=PASSWORD, is_verified=True, actor=SYSTEM)
    for number, name in enumerate(("Dora Diaz", "Emil Novak", "Fay Ito"), start=1):
        subscriber = services.create_subscriber(
            name=name,
            email=CUSTOMER if number == 1 else "",
            user=user if number == 1 else None,
            address={"street": f"{number} Elm Road", "city": "Waverly"},
            actor=SYSTEM,
        )
        service = services.add_service(
            subscriber,
            plan_version=version,
            username=f"user{number}",
            address=subscriber.addresses.get(),
            actor=SYSTEM,
        )
        if number < 3:
            services.activate_service(service, actor=SYSTEM)
        if number == 2:
            services.suspend_service(service, reason="nonpayment", actor=SYSTEM)
    for name in ("list.csv", "other.csv"):
        imports.receive_file(ContentFile(_LIST.encode(), name=name), actor=SYSTEM)


def _operate() -> str:
    """What only the operator has; the address at which a client asks for consent."""
    now = timezone.now()
    with schema_of(PUBLIC):
        owner = User.objects.get(email=OWNER)
        organisation = Organisation.objects.get(slug=ACME.slug)
        Impersonation.objects.create(
            organisation=organisation,
            user=owner.uuid,
            email=OWNER,
            reason="Ticket 4711",
            expires_at=now + timedelta(hours=1),
        )
        ServerPlan.objects.create(**_SIZE)
        address = Secret("https://93.184.215.14/hook")
        channel, _none = create_channel(name="Chat", kind="slack", address=address, actor=SYSTEM)
        AlertDelivery.objects.create(channel=channel, what="test", status="failed")
        Certificate.objects.create(name="apps", hostnames=["*.apps.localhost"], expires_at=now)
        ordered = Ordered.objects.create(
            name="apps.localhost",
            hostnames=["apps.localhost", "*.apps.localhost"],
            challenge="dns-01",
            status="failed",
            last_error="The DNS server 192.0.2.1 cannot be reached.",
            issuer="R11",
            starts_at=now,
            expires_at=now,
        )
        IssuedCertificate.objects.create(
            certificate=ordered,
            hostnames=ordered.hostnames,
            issuer="R11",
            serial="3f09a2b4c5d6e7f8",
            fingerprint="0" * 64,
            chain="-",
            starts_at=now,
            expires_at=now,
            revoked_at=now,
        )
        words = PartyWords("Wiki", False, ["https://wiki.example/back"], ["openid"], "everybody")
        party, _secret = save_party(None, words, actor=SYSTEM)
        migrate_tenants(actor=SYSTEM)
        start_checkup(actor=SYSTEM)
        for status in ("warning", "problem"):
            CheckState.objects.create(name=_CHECKS[status], status=status, findings=[_FOUND])
        certify(
            Erasure.objects.create(**_GONE, asked_at=now, counts={"rows": {"accounts.user": 2}})
        )
        _restored(now)
        _backups()
        FailedMigration.objects.create(
            schema="c_initech", error="column exists already", failed_at=now
        )
    asked = {
        "response_type": "code",
        "client_id": party.client_id,
        "redirect_uri": "https://wiki.example/back",
        "scope": "openid",
        "state": "a-state",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    return f"/identity/authorize?{urlencode(asked)}"


_CHECKS = {"warning": "queue", "problem": "clock"}
_FOUND = {"status": "problem", "text": "It is so.", "advice": "Do this.", "values": {}}
_GONE = {"organisation": uuid4(), "name": "Zephyr Net", "slug": "zephyr", "asked_by": "owner"}


def _restored(now: datetime) -> None:
    """What a restore brought back: Initech, and somebody of Acme's console."""
    back = adopt(INITECH)
    row = Erasure.objects.create(
        organisation=back.uuid, name=back.name, slug=back.slug, asked_by="owner", asked_at=now
    )
    certify(row)
    with schema_of(ACME.console):
        person = User.objects.get(email="vic@acme.example").uuid
    ErasedPerson.objects.create(
        schema=ACME.console, kind="user", person=person, erased_at=now, restored_at=now
    )
    create_tenant(kind=WORKSPACE, slug="brought", name="Brought", host="brought.apps.localhost")


def _backups() -> None:
    """A place off site, what was made there, and what is wrong."""
    now = timezone.now()
    BackupTarget.objects.create(
        address="https://s3.example.com/bucket", is_on=True, on_since=now, reaches=now
    )
    report = {"tenants": 12, "seconds": 41.5, "recovery_point_s": 62.0}
    made: list[dict[str, object]] = [
        {"kind": "full", "status": "done", "size": 123_456_789},
        {"kind": "test", "status": "done", "report": report},
        {"kind": "differential", "status": "failed", "error": "The place takes no more."},
    ]
    for facts in made:
        BackupRun.objects.create(slot=None, finished_at=now, **facts)
    BackupAlarm.objects.create(name="away", error="The place does not answer.")
    FormerPlace.objects.create(
        address="sftp://old.example.com/platform",
        keep_daily=7,
        keep_weekly=4,
        oldest_at=now,
        last_error="The place does not answer.",
    )


_SIZE = {"name": "small", "cpu_millis": 4000, "memory_mb": 8000, "disk_mb": 80_000}


def _work() -> None:
    """Run what is due, as a worker would."""
    with pytest.MonkeyPatch.context() as patched, override_settings(LEASE_SECONDS=120):
        patched.setattr("apps.work.jobs.Heartbeat", nullcontext)
        for _round in range(20):
            due = Due.objects.filter(state__in=["queued", "waiting"])
            ran = [run_job(str(pk)) for pk in list(due.values_list("pk", flat=True))]
            if "ran" not in ran:
                break
    with schema_of(ACME.workspace):
        other = SubscriberImport.objects.get(filename="other.csv")
        imports.start_import(other, mode="skip_errors", actor=SYSTEM)
