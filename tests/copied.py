"""What the tests' own server has migrated already, in another server's database."""

import subprocess

import psycopg
from django.conf import settings

from apps.tenancy.templates import pg_dump

_OF_TENANTS = ("c_*", "w_*")


def copy_all(template: str, target: str) -> None:
    """All of the template into an empty database, by its address."""
    with psycopg.connect(target, autocommit=True) as server:
        server.execute(_dumped(template))


def copy_operator(template: str, target: str) -> None:
    """The same without the ISPs in it: what an installation begins with."""
    left_out = [f"--exclude-schema={pattern}" for pattern in _OF_TENANTS]
    with psycopg.connect(target, autocommit=True) as server:
        server.execute(_dumped(template, *left_out))
        server.execute(
            "DELETE FROM public.tenancy_domain WHERE tenant_id IN"
            " (SELECT id FROM public.tenancy_tenant WHERE kind <> 'public')"
        )
        server.execute("DELETE FROM public.tenancy_tenant WHERE kind <> 'public'")


def _dumped(template: str, *options: str) -> str:
    db = settings.DATABASES["default"]
    source = f"postgresql://{db['USER']}:{db['PASSWORD']}@{db['HOST']}:{db['PORT']}/{template}"
    command = [pg_dump(), "--no-owner", "--inserts", "--rows-per-insert=500", *options, source]
    dump = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    # Without psql's own commands.
    return "\n".join(line for line in dump.splitlines() if not line.startswith("\\"))
