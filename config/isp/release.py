"""Bringing this database to this release, and making its workspace when it is new.

A new database brings the empty workspace along under its template's name, made when the image
was built, so that a first start renames a schema instead of migrating one. Everything is
repeatable: whoever was killed in the middle, or comes second, continues.
"""

import time

import structlog
from allauth.account.models import EmailAddress
from django.db import OperationalError, ProgrammingError, connection, transaction
from psycopg import sql

from apps.accounts.models import User
from apps.events import services as events
from apps.events.actors import SYSTEM
from apps.tenancy.kinds import PUBLIC, WORKSPACE, operator, schema_of
from apps.tenancy.locks import held_alone
from apps.tenancy.models import Domain, Tenant
from apps.tenancy.templates import fingerprint, migrate_schema, template_schema
from config.isp.workspace import Workspace

log = structlog.get_logger(__name__)
WAIT_S = 60.0
_POLL_S = 0.02
_LOCK = 0x0D07_1E1E
# One query tells whether there is anything to do. The release that a schema is at stands in
# its comment, which is renamed, dumped and dropped with it.
_STATE = """
    SELECT obj_description(to_regnamespace('public'), 'pg_namespace'),
        obj_description(to_regnamespace(%s), 'pg_namespace'),
        ARRAY(SELECT d.domain FROM public.tenancy_domain d
              JOIN public.tenancy_tenant t ON t.id = d.tenant_id WHERE t.schema_name = %s)
"""


class ReleaseError(Exception):
    """The database could not be brought to this release; the message says why and what to do."""


def is_done(workspace: Workspace) -> bool:
    """Whether the workspace is there, with its hosts, at this release."""
    try:
        with operator(), connection.cursor() as cursor:
            cursor.execute(_STATE, [workspace.schema, workspace.schema])
            public, schema, hosts = cursor.fetchone()
    except ProgrammingError:
        return False
    wanted = (fingerprint(PUBLIC), fingerprint(WORKSPACE))
    return (public, schema) == wanted and set(workspace.hostnames) <= set(hosts)


def release(workspace: Workspace, *, wait_s: float = WAIT_S) -> bool:
    """Do what there is to do; False when there was nothing. ReleaseError when it cannot be done."""
    wait_for_database(wait_s)
    if is_done(workspace):
        return False
    with held_alone(_LOCK):
        if is_done(workspace):
            return False
        _bring_up_to_date(PUBLIC)
        if not _exists(workspace.schema):
            _bring_up_to_date(template_schema(WORKSPACE))
            _give_template_to(workspace)
        _bring_up_to_date(workspace.schema)
        _add_hosts(workspace)
    log.info("released", schema=workspace.schema)
    return True


def make_template() -> None:
    """Migrate `public` and the empty workspace, for an image of the database."""
    with held_alone(_LOCK):
        _bring_up_to_date(PUBLIC)
        _bring_up_to_date(template_schema(WORKSPACE))


def wait_for_database(seconds: float) -> None:
    """Wait until the database lets us in; ReleaseError when it refuses or the time is over."""
    limit = time.monotonic() + seconds
    while True:
        try:
            connection.ensure_connection()
        except OperationalError as error:
            _give_up(error, is_late=time.monotonic() > limit)
            connection.close()
            time.sleep(_POLL_S)
        else:
            return


def _give_up(error: OperationalError, *, is_late: bool) -> None:
    if "password authentication failed" in str(error):
        raise ReleaseError(
            "The database refuses the password in DATABASE_URL. Give both containers the same one."
        ) from None
    if is_late:
        raise ReleaseError(f"The database does not answer: {str(error).strip()}") from error


def _exists(schema: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace(%s) IS NOT NULL", [schema])
        return bool(cursor.fetchone()[0])


def _bring_up_to_date(schema: str) -> None:
    """Migrate a schema, made if need be, unless its comment says that it is at this release."""
    name = sql.Identifier(schema)
    wanted = fingerprint(PUBLIC if schema == PUBLIC else WORKSPACE)
    with operator(), connection.cursor() as cursor:
        cursor.execute("SELECT obj_description(to_regnamespace(%s), 'pg_namespace')", [schema])
        if cursor.fetchone()[0] == wanted:
            return
        cursor.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(name))
    migrate_schema(schema)
    with operator(), connection.cursor() as cursor:
        cursor.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(name, sql.Literal(wanted)))
    log.info("migrated", schema=schema)


def _give_template_to(workspace: Workspace) -> None:
    """The empty schema becomes the workspace's, with its tenant, hosts and owner, or not at all."""
    rename = sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(
        sql.Identifier(template_schema(WORKSPACE)), sql.Identifier(workspace.schema)
    )
    with transaction.atomic(), operator():
        with connection.cursor() as cursor:
            cursor.execute(rename)
        tenant = Tenant(
            schema_name=workspace.schema,
            kind=WORKSPACE,
            slug=workspace.slug,
            name=workspace.name,
            **({"uuid": workspace.tenant} if workspace.tenant else {}),
        )
        tenant.save()
        with schema_of(workspace.schema):
            _add_owner(workspace)
            events.record("workspace.created", actor=SYSTEM, subject=tenant)


def _add_owner(workspace: Workspace) -> None:
    """The owner comes in by the platform's hand-off; the platform has verified the address."""
    if not workspace.owner_email:
        return
    owner = User.objects.create_superuser(
        workspace.owner_email, None, identity=workspace.owner_identity
    )
    EmailAddress.objects.create(user=owner, email=owner.email, verified=True, primary=True)


def _add_hosts(workspace: Workspace) -> None:
    """Hosts that the platform's grants added meanwhile stay."""
    with transaction.atomic(), operator():
        tenant = Tenant.objects.get(schema_name=workspace.schema)
        for host in workspace.hostnames:
            Domain.objects.get_or_create(domain=host, defaults={"tenant": tenant})
