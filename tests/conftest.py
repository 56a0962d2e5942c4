"""Shared fixtures: a database made once per release and copied, and two ISPs in it.

Alice's ISP is Acme Fiber, Bob's is Initech Wireless; each has a console and a workspace schema.
"""

import gc
import hashlib
import os
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import connection, connections, transaction
from psycopg import sql

from apps.branding.domains import NoAnswerError
from apps.branding.mail import send_now
from apps.branding.models import PostedMail
from apps.branding.post import message_of
from apps.tenancy import services as tenancy
from apps.tenancy.kinds import CONSOLE, PUBLIC, WORKSPACE, operator, schema_of
from apps.tenancy.middleware import forget_hosts
from apps.tenancy.migrating.fleet import migrate_fleet
from apps.tenancy.models import Domain, Tenant
from apps.tenancy.templates import create_schema, fingerprint
from apps.work.jobs import run as run_job
from apps.work.models import Due
from tests.live_platform import LivePlatform
from tests.scheduling import ByUnit, longest_first


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest is begun first."""
    longest_first(items)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is loaded is no garbage: nobody looks for some meanwhile, nor walks through it later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByUnit:
    """With `-n`, what shares a platform or a file stays in one process."""
    return ByUnit(config, log)


@dataclass(frozen=True)
class Isp:
    """An ISP of the tests: its name, and its two schemas with their hosts."""

    slug: str
    name: str

    @property
    def console(self) -> str:
        """Schema of the console."""
        return f"c_{self.slug}"

    @property
    def workspace(self) -> str:
        """Schema of the workspace."""
        return f"w_{self.slug}"

    @property
    def console_host(self) -> str:
        """Host of the console."""
        return f"{self.slug}.{django_settings.BASE_DOMAIN}"

    @property
    def workspace_host(self) -> str:
        """Host of the workspace."""
        return f"{self.slug}.{django_settings.APPS_DOMAIN}"


ACME = Isp("acme", "Acme Fiber")
INITECH = Isp("initech", "Initech Wireless")


def _run_admin_sql(statement: sql.Composed) -> None:
    db = django_settings.DATABASES["default"]
    address = {"host": db["HOST"], "port": db["PORT"], "user": db["USER"]}
    with psycopg.connect(
        **address, password=db["PASSWORD"] or None, dbname="postgres", autocommit=True
    ) as server:
        server.execute(statement)


def _database_exists(name: str) -> bool:
    db = django_settings.DATABASES["default"]
    address = {"host": db["HOST"], "port": db["PORT"], "user": db["USER"]}
    with psycopg.connect(**address, password=db["PASSWORD"] or None, dbname="postgres") as server:
        found = server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        return found.fetchone() is not None


def _point_at(name: str) -> None:
    connections["default"].close()
    django_settings.DATABASES["default"]["NAME"] = name
    connections["default"].settings_dict["NAME"] = name
    forget_hosts()


def _copy_database(source: str, target: str) -> None:
    _drop_database(target)
    _run_admin_sql(
        sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(target), sql.Identifier(source)
        )
    )


def _drop_database(name: str) -> None:
    """Drop it; while autovacuum is in it, which a role like ours cannot end, try again."""
    statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    for _turn in range(50):
        try:
            return _run_admin_sql(statement)
        except psycopg.errors.InsufficientPrivilege:
            time.sleep(0.2)
    return _run_admin_sql(statement)


def _fill_template() -> None:
    migrate_fleet(lambda _progress, _what: None)
    with transaction.atomic():
        tenancy.ensure_operator()
        for isp in (ACME, INITECH):
            for kind, schema, host in (
                (CONSOLE, isp.console, isp.console_host),
                (WORKSPACE, isp.workspace, isp.workspace_host),
            ):
                tenant = Tenant(schema_name=schema, kind=kind, slug=isp.slug, name=isp.name)
                tenant.save()
                Domain.objects.create(domain=host, tenant=tenant)
                create_schema(schema)


@pytest.fixture(scope="session")
def database_template(django_db_blocker: pytest.FixtureRequest) -> str:
    """A migrated database with two ISPs, kept between runs until a migration changes."""
    prints = "".join(fingerprint(kind) for kind in (PUBLIC, CONSOLE, WORKSPACE))
    name = f"tpl_{hashlib.sha256(prints.encode()).hexdigest()[:16]}"
    with django_db_blocker.unblock(), _one_at_a_time():  # type: ignore[attr-defined]
        if not _database_exists(name):
            building = f"{name}_new"
            _drop_database(building)
            _run_admin_sql(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(building)))
            _point_at(building)
            connection.set_schema_to_public()
            _fill_template()
            _point_at("postgres")
            _run_admin_sql(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                    sql.Identifier(building), sql.Identifier(name)
                )
            )
    return name


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Only one test process builds the template."""
    db = django_settings.DATABASES["default"]
    with psycopg.connect(
        host=db["HOST"],
        port=db["PORT"],
        user=db["USER"],
        password=db["PASSWORD"] or None,
        dbname="postgres",
        autocommit=True,
    ) as server:
        server.execute("SELECT pg_advisory_lock(7107)")
        yield


@pytest.fixture(scope="session")
def django_db_setup(
    database_template: str, django_db_blocker: pytest.FixtureRequest
) -> Iterator[None]:
    """This process's own copy of the template."""
    name = f"test_{os.getpid()}"
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        _copy_database(database_template, name)
        _point_at(name)
        yield
        _point_at("postgres")
        _drop_database(name)


@pytest.fixture(scope="session")
def open_live_database(
    database_template: str, django_db_blocker: pytest.FixtureRequest
) -> Callable[[], AbstractContextManager[str]]:
    """`with open_live_database() as url:` for fixtures of a wider scope than one test."""

    @contextmanager
    def opened() -> Iterator[str]:
        db = django_settings.DATABASES["default"]
        name, before = f"live_{os.getpid()}", (db["NAME"], os.environ.get("DATABASE_URL"))
        with django_db_blocker.unblock():  # type: ignore[attr-defined]
            _copy_database(database_template, name)
            _point_at(name)
            connection.set_schema_to_public()
            login = f"{db['USER']}:{db['PASSWORD']}" if db["PASSWORD"] else db["USER"]
            url = f"postgresql://{login}@{db['HOST']}:{db['PORT']}/{name}"
            os.environ["DATABASE_URL"] = url
            try:
                yield url
            finally:
                if before[1] is None:
                    os.environ.pop("DATABASE_URL", None)
                else:
                    os.environ["DATABASE_URL"] = before[1]
                _point_at(before[0])
                _drop_database(name)

    return opened


@pytest.fixture
def live_database(
    open_live_database: Callable[[], AbstractContextManager[str]],
) -> Iterator[str]:
    """A database of the test's own, with real commits, for threads and processes.

    Yields its URL; DATABASE_URL in the environment names it too, for child processes.
    """
    with open_live_database() as url:
        yield url


@pytest.fixture(autouse=True)
def _fresh_hosts() -> Iterator[None]:
    """No test sees another's hosts, nor its schema."""
    forget_hosts()
    yield
    connection.set_schema_to_public()


@pytest.fixture
def acme() -> Isp:
    """Acme Fiber, Alice's ISP."""
    return ACME


@pytest.fixture
def initech() -> Isp:
    """Initech Wireless, Bob's ISP: the outsider."""
    return INITECH


@pytest.fixture
def operator_schema(db: None) -> Iterator[None]:
    """Inside the operator's schema."""
    with operator():
        yield


@pytest.fixture
def in_console(db: None) -> Callable[[Isp], object]:
    """`with in_console(acme):` stands in an ISP's console schema."""
    return lambda isp: schema_of(isp.console)


@pytest.fixture
def in_workspace(db: None) -> Callable[[Isp], object]:
    """`with in_workspace(acme):` stands in an ISP's workspace schema."""
    return lambda isp: schema_of(isp.workspace)


def _no_answer(_kind: str, name: str, _patience_s: float) -> list[str]:
    raise NoAnswerError(name)


def worker_of_test(patched: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """What runs all work that is due, here and now; returns what became of each.

    Without heartbeats: they come from another connection, which does not see this test's rows.
    Jobs leave the connection in `public`; the test goes on in the schema that it stood in.
    """
    patched.setattr("apps.work.jobs.Heartbeat", nullcontext)
    # Nobody's domain is asked about, but in the tests of that.
    patched.setattr("apps.branding.domain_state.records", _no_answer)

    def run() -> list[str]:
        results = []
        for _round in range(50):
            ids = list(
                Due.objects.filter(state__in=["queued", "waiting"]).values_list("pk", flat=True)
            )
            with schema_of(connection.schema_name):
                ran = [run_job(str(pk)) for pk in ids]
            results += [r for r in ran if r != "taken or not due"]
            if not any(r == "ran" for r in ran):
                return results
        raise AssertionError("The work does not come to an end.")

    return run


@pytest.fixture
def run_due(db: None, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Callable[[], list[str]]:
    """Run all work that is due, as a worker would."""
    settings.LEASE_SECONDS = 120
    return worker_of_test(monkeypatch)


@pytest.fixture(scope="session")
def live_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    """A whole platform in real processes, with the images built, shared by a session's tests."""
    platform = LivePlatform(tmp_path_factory.mktemp("platform"))
    try:
        platform.start()
        platform.manage("build_images")
        yield platform
    finally:
        platform.stop()
        platform.remove_containers()


def send_at_once(patched: pytest.MonkeyPatch) -> None:
    """What somebody waits for is sent where it is posted, as a quick worker would."""

    def hand_over(mail: PostedMail) -> None:
        send_now(message_of(mail))
        mail.delete()

    patched.setattr("apps.branding.post.hand_over", hand_over)


@pytest.fixture(autouse=True)
def _mails_at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """So in every test, but in those about the worker itself: they say `posts = True`."""
    if not getattr(request.module, "posts", False):
        send_at_once(monkeypatch)
