"""An ISP with something in everything, and a look for it in every table, file and container."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone
from psycopg import sql

from apps.accounts.models import Invitation, User
from apps.accounts.services import create_user
from apps.alerts.models import Alert, MailPath
from apps.certificates.models import Certificate, IssuedCertificate
from apps.core.models import IdempotentAnswer
from apps.doctor.models import CheckState
from apps.events.actors import SYSTEM, user_actor
from apps.fleet import engines
from apps.fleet.services import serve_certificate
from apps.idp.services import PartyWords, save_party
from apps.instances import services as instances
from apps.lists.models import SavedView
from apps.notifications.models import Notification, Suppressed
from apps.operations.models import LogLine, Operation
from apps.tenancy.kinds import CONSOLE, PUBLIC, WORKSPACE, operator, schema_of
from apps.tenancy.models import FailedMigration, Tenant
from apps.tenancy.services import create_tenant
from apps.tenants import closing, grants, ownership
from apps.tenants.erasing.services import begin_due_erasures
from apps.tenants.migrating import migrate_tenants
from apps.tenants.models import Impersonation, Membership, Organisation
from apps.transfers.services import file_of, start_export
from apps.webhooks.models import Attempt, Delivery, Endpoint
from apps.work import services as work
from apps.work.models import Mark
from dotmac.crypto.secret import Secret
from tests.accessibility import world
from tests.conftest import INITECH, Isp
from tests.instances.world import Shop, adopt, arrange_release, furnish, install_shop

ZEPHYR = Isp("zephyrnet", "Hill Valley Broadband")
OWNER, CLERK = "owner@zephyrnet.example", "clerk@zephyrnet.example"
# Belongs to another ISP as well.
ADVISER = "adviser@initech.example"
BOSS, DORA = "boss@zephyrnet.example", "dora@zephyrnet.example"
_SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname ~ '^(public|[cw]_)' ORDER BY 1"
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = %s"


def fill() -> tuple[Organisation, Shop]:
    """Make the ISP and another one, and leave traces wherever an installation keeps any."""
    furnish()
    for kind, host in ((CONSOLE, ZEPHYR.console_host), (WORKSPACE, ZEPHYR.workspace_host)):
        create_tenant(kind=kind, slug=ZEPHYR.slug, name=ZEPHYR.name, host=host)
    organisation, other = adopt(ZEPHYR), adopt(INITECH)
    with schema_of(ZEPHYR.console):
        instances.create_shared_workspace(organisation, actor=SYSTEM)
    shop = install_shop(ZEPHYR)
    arrange_release(shop, 1)
    with as_zephyr():
        _inside()
    grants.renew(organisation)
    with operator():
        _at_the_operator(organisation, other)
    with connection.cursor() as cursor:
        # A table with checks that wait for the end of this test's transaction cannot be dropped.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    return organisation, shop


def _inside() -> None:
    """The console and the workspace."""
    with schema_of(ZEPHYR.workspace):
        world._subscribers()
    world._work()
    for kind in ("console", "workspace"):
        with schema_of(world.SCHEMAS[kind]):
            world._people(kind)
    with schema_of(ZEPHYR.workspace):
        world._factors()


@contextmanager
def as_zephyr() -> Iterator[None]:
    """The accessibility world's people and rows, but in this ISP's schemas."""
    schemas = {"operator": PUBLIC, "console": ZEPHYR.console, "workspace": ZEPHYR.workspace}
    values = {"ACME": ZEPHYR, "OWNER": BOSS, "CUSTOMER": DORA, "SCHEMAS": schemas}
    with ExitStack() as stack:
        patched = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in values.items():
            patched.setattr(world, name, value)
        yield


def _at_the_operator(organisation: Organisation, other: Organisation) -> None:
    """Members, of whom one belongs elsewhere too, and all that the operator's staff was told."""
    owner = User.objects.get(email=OWNER)
    clerk, adviser = (
        create_user(email=email, name=name, password="x" * 12, is_verified=True, actor=SYSTEM)
        for email, name in ((CLERK, "Carla Clerk"), (ADVISER, "Ada Adviser"))
    )
    for user in (clerk, adviser):
        Membership.objects.create(organisation=organisation, user=user.uuid, role="member")
        _session({"_auth_user_id": str(user.pk), "_auth_user_backend": "x"})
    Membership.objects.create(organisation=other, user=adviser.uuid, role="member")
    _session({"sign_up": {"slug": ZEPHYR.slug}})
    ownership.offer_ownership(organisation, to=clerk, by=owner)
    staff = User.objects.create_superuser("root@dotmac.example")
    now = timezone.now()
    Impersonation.objects.create(
        organisation=organisation,
        user=staff.uuid,
        email=staff.email,
        reason="Ticket 4711",
        expires_at=now + timedelta(hours=1),
    )
    for name, whose in (("Their wiki", [organisation]), ("Shared wiki", [organisation, other])):
        words = PartyWords(name, False, ["https://wiki.example/back"], ["openid"], "members", whose)
        save_party(None, words, actor=SYSTEM)
    _told(organisation, staff)


def _told(organisation: Organisation, staff: User) -> None:
    now = timezone.now()
    said = {"organisation": str(organisation.uuid), "schema": ZEPHYR.console, "to": CLERK}
    Notification.objects.create(user=staff, kind="work.failed", key="x", data=said)
    Alert.objects.create(kind="work.failed", about=f"{ZEPHYR.console}:x", key="x", data=said)
    MailPath.objects.create(name="installation", last_error=f"550 {CLERK}: no such user")
    Suppressed.objects.create(address=CLERK, reason="550")
    IdempotentAnswer.objects.create(
        principal=staff.uuid, key="x", fingerprint="x", status=200, body=json.dumps(said)
    )
    SavedView.objects.create(user=staff, list="tenants.organisation", name="x", query=f"q={OWNER}")
    Invitation.objects.create(
        email=CLERK, role="viewer", digest="x", invited_by=staff, sent_at=now, expires_at=now
    )
    endpoint = Endpoint.objects.create(url="https://crm.example/", types=[], secret="")
    delivery = Delivery.objects.create(
        endpoint=endpoint, event=endpoint.uuid, type="x", due_at=now, created_at=now
    )
    Attempt.objects.create(delivery=delivery, at=now, duration_ms=1, answer=f"hello {OWNER}")
    operation = migrate_tenants(actor=SYSTEM)
    LogLine.objects.create(
        operation=operation, step_position=0, at=now, text=f"{ZEPHYR.console}: column exists"
    )
    Operation.objects.filter(pk=operation.pk).update(status="failed")
    FailedMigration.objects.create(schema=ZEPHYR.workspace, error="column exists", failed_at=now)
    work.note_failure("log", str(organisation.uuid), title=ZEPHYR.name, reason="cut back")
    _served(now)
    _exported(staff)
    # As the sealer leaves it, which passes over a transaction that still runs.
    for schema in (ZEPHYR.console, ZEPHYR.workspace):
        Mark.objects.create(schema=schema, number=1, chain="0" * 64, signature="0" * 64)


def _served(now: datetime) -> None:
    """Certificates of its hosts alone, and what the doctor said of its schema."""
    for host in (ZEPHYR.console_host, f"{ZEPHYR.slug}--shop.apps.localhost"):
        row = Certificate.objects.create(
            name=host, hostnames=[host], challenge=Certificate.Challenge.HTTP, status="valid"
        )
        IssuedCertificate.objects.create(
            certificate=row, hostnames=[host], issuer="x", serial="1", fingerprint="x", chain="x",
            starts_at=now, expires_at=now,
        )  # fmt: skip
        serve_certificate(
            name=host, hostnames=[host], chain="x", key=Secret("x"), expires_at=now, warn_at=now
        )
    said = {"status": "problem", "text": "x", "advice": "x", "values": {"schema": ZEPHYR.console}}
    CheckState.objects.create(name="schemas.tables", status="problem", findings=[said])


def _exported(staff: User) -> None:
    """A file of all its subscribers that somebody of the operator asked for."""
    tenant = Tenant.objects.get(schema_name=ZEPHYR.workspace)
    asked = start_export(tenant, permission="tenants.export", actor=user_actor(staff))
    Operation.objects.filter(pk=asked.pk).update(status="succeeded", finished_at=timezone.now())
    file = file_of(asked)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"everything of {ZEPHYR.workspace}, so of Dora Diaz")


def _session(content: dict[str, Any]) -> None:
    store = SessionStore()
    store.update(content)
    store.save()


def close_and_wait(organisation: Organisation, *, side: str = "owner") -> None:
    """Close it, and let its days of grace pass."""
    with operator():
        closing.close(organisation, side=side, actor=SYSTEM, reason="Sold")
        past = timezone.now() - timedelta(seconds=1)
        Organisation.objects.filter(pk=organisation.pk).update(erase_after=past)
        assert begin_due_erasures() == 1


def words_of(organisation: Organisation) -> list[str]:
    """Whatever would tell of it or its people, but its name, which the certificate has."""
    return [
        ZEPHYR.slug,
        str(organisation.uuid),
        organisation.uuid.hex,
        "Dora Diaz",
        "Carla Clerk",
    ]


def rows_that_say(words: list[str]) -> dict[str, list[str]]:
    """Every row of every table of every schema with one of the words: where, and which words."""
    found: dict[str, list[str]] = {}
    for schema in _names(_SCHEMAS):
        for table, text in _texts(schema, words):
            said = [word for word in words if word.lower() in text]
            found.setdefault(f"{schema}.{table}", []).extend(said)
    for session in _texts_of_sessions():
        said = [word for word in words if word.lower() in session]
        if said:
            found.setdefault("public.django_session", []).extend(said)
    return found


def _texts(schema: str, words: list[str]) -> list[tuple[str, str]]:
    """The table and the text of each row that has one of the words, all tables in one question."""
    tables = _names(_TABLES, schema)
    if not tables:
        return []
    rows = sql.SQL(" UNION ALL ").join(_rows_of(schema, table) for table in tables)
    question = sql.SQL("SELECT place, said FROM ({}) AS x WHERE said ~ %s").format(rows)
    with connection.cursor() as cursor:
        cursor.execute(question, ["|".join(re.escape(word.lower()) for word in words)])
        return [(place, text) for place, text in cursor.fetchall()]


def _rows_of(schema: str, table: str) -> sql.Composed:
    """Each row as text. In a log ids stay, which name nobody."""
    passed = "{actor_id,subject_id}" if table == "events_event" else "{}"
    text = "SELECT {} AS place, lower((to_jsonb(x) - {}::text[])::text) AS said FROM {} AS x"
    place = sql.Identifier(schema, table)
    return sql.SQL(text).format(sql.Literal(table), sql.Literal(passed), place)


def _texts_of_sessions() -> list[str]:
    with operator():
        return [json.dumps(one.get_decoded()).lower() for one in Session.objects.all()]


def _names(query: str, *values: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(query, list(values))
        return [name for (name,) in cursor.fetchall()]


def files_that_say(words: list[str]) -> list[str]:
    """Every file of the data directory with one of the words in it, or in its own path."""
    found = set()
    for folder in (Path(settings.VAR_DIR), Path(settings.MEDIA_ROOT)):
        for file in folder.rglob("*"):
            if file.is_file() and _says(f"{file.relative_to(folder)}\n{_text_of(file)}", words):
                found.add(str(file))
    return sorted(found)


def _text_of(file: Path) -> str:
    return file.read_bytes().decode(errors="ignore")


def _says(text: str, words: list[str]) -> bool:
    return any(word.lower() in text.lower() for word in words)


def engine_says(shop: Shop) -> list[str]:
    """Containers, networks and volumes that are left of the ISP's instances."""
    host = engines.fake_engine("one").host
    return [*host.made, *host.networks, *host.volumes]
