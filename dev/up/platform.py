"""What `make up` starts: the platform's own children, and how one knows that it answers."""

from __future__ import annotations

import hashlib
import http.client
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from dev import postgres
from dev.cluster import locate
from dev.up.options import PORTS, Options
from dotmac.server.programs import Plan, Program

SETTINGS = "config.settings.dev"
# Handed to children by supervisord; everything else they read from the files themselves.
ENVIRONMENT_FILE = "platform.env"
CODE = ("requirements.txt", "config/**/*", "apps/**/*", "dotmac/**/*", "dev/management/**/*")


def plan(options: Options, edge: Program, *, has_docker: bool) -> Plan:
    """The children in the order in which they are needed."""
    code = _digest(options, CODE, f"{_database_url(options)} {has_docker}")
    images = [_once("images", "Container images", "build_images")] if has_docker else []
    return Plan(
        database=_database(options) if options.has_own_database else None,
        before=[
            _stamped(options, code, _once("migrate", "Schemas", "migrate_fleet")),
            _stamped(options, code, _once("prepare", "Plans and catalogue", "platform_prepare")),
        ],
        lasting=[
            edge,
            _daphne(options.port("WEB_PORT")),
            Program("worker", _manage("qcluster")),
            Program("clock", _manage("clock")),
        ],
        after=[
            *images,
            _stamped(options, code, _once("demo", "Demo data", "demo")),
        ],
    )


def told(options: Options) -> dict[str, str]:
    """What this run has decided, for its children and for `manage.py` in another terminal."""
    return {
        "DJANGO_SETTINGS_MODULE": options.values.get("DJANGO_SETTINGS_MODULE") or SETTINGS,
        "BASE_DOMAIN": options.base_domain,
        "APPS_DOMAIN": options.apps_domain,
        "DATABASE_URL": _database_url(options),
        **(_database_files(options) if options.has_own_database else {}),
        **{name: str(options.port(name)) for name in PORTS},
    }


def child_environment(options: Options) -> dict[str, str]:
    return {**os.environ, **options.values, **told(options), "PYTHONUNBUFFERED": "1"}


def readiness(options: Options) -> Callable[[], bool]:
    """A probe of /readyz through the edge, by the host that people use."""
    port = options.port("EDGE_HTTP_PORT")

    def answers() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/readyz", headers={"Host": f"{options.base_domain}:{port}"})
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return answers


def _database(options: Options) -> Program:
    """Our own PostgreSQL; SIGINT is its fast, clean stop."""
    command = postgres.command(options.postgres, options.port("DATABASE_PORT"))
    return Program("database", command, stop_signal="SIGINT", stop_seconds=60)


def _database_url(options: Options) -> str:
    if not options.has_own_database:
        return options.values["DATABASE_URL"]
    return postgres.url(options.postgres, options.port("DATABASE_PORT"))


def _database_files(options: Options) -> dict[str, str]:
    """For backups: where the passwords, the files and the programs of our own database are."""
    cluster = locate(options.postgres)
    return {
        "DATABASE_HOME": str(cluster.home),
        "DATABASE_ROOT": str(cluster.root),
        "DATABASE_BINARIES": str(cluster.binaries),
    }


def _stamped(options: Options, digest: str, program: Program) -> Program:
    """Left out while neither code nor database changed; another's database may be anything."""
    return replace(program, stamp=digest) if options.has_own_database else program


def _digest(options: Options, patterns: Iterable[str], extra: str = "") -> str:
    """One digest over files of the project, by name and content."""
    whole = hashlib.sha256(extra.encode())
    found = {file for pattern in patterns for file in options.root.glob(pattern)}
    for file in sorted(file for file in found if file.is_file() and file.suffix != ".pyc"):
        whole.update(f"{file.relative_to(options.root)}\0".encode())
        whole.update(hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()


def _manage(*arguments: str) -> list[str]:
    return [sys.executable, "manage.py", *arguments]


def _once(name: str, title: str, command: str) -> Program:
    return Program(name, _manage(command), title=title, once=True)


def _daphne(port: int) -> Program:
    binary = str(Path(sys.executable).parent / "daphne")
    # Without the server's own lines of requests, which hold the raw path; ours hold the route.
    quiet = ["--verbosity", "0"]
    address = ["-b", "127.0.0.1", "-p", str(port)]
    return Program("web", [binary, *quiet, *address, "config.server:application"])
