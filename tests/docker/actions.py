"""What people and the operator do to a live platform, in a process of its own.

`python -m tests.docker.actions` reads a line of JSON for each act and answers with one.
"""

import json
import os
import sys
import traceback
from typing import Any
from uuid import uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import (  # noqa: E402
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
)
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.db import close_old_connections, transaction  # noqa: E402

from apps.accounts.models import User  # noqa: E402
from apps.accounts.services import create_user  # noqa: E402
from apps.billing import services as billing  # noqa: E402
from apps.events.actors import SYSTEM  # noqa: E402
from apps.fleet.models import Region, Server  # noqa: E402
from apps.fleet.services import records  # noqa: E402
from apps.instances import services as instances  # noqa: E402
from apps.instances.models import Instance  # noqa: E402
from apps.marketplace import services as marketplace  # noqa: E402
from apps.operations import services as operations  # noqa: E402
from apps.operations.models import Operation  # noqa: E402
from apps.tenancy.kinds import operator, schema_of  # noqa: E402
from apps.tenants import grants  # noqa: E402
from apps.tenants.models import Organisation  # noqa: E402
from apps.tenants.services import Application, create_organisation  # noqa: E402
from apps.work import services as work  # noqa: E402
from dotmac.crypto.contracts import open_usage_report  # noqa: E402
from tests.keys import key_like  # noqa: E402

Json = dict[str, Any]


def sign_up(slug: str, plan: str, region: str) -> Json:
    """An ISP with its console; a dedicated workspace begins to be deployed."""
    with operator():
        email = f"owner@{slug}.example"
        owner = User.objects.filter(email=email).first() or create_user(
            email=email, password="a-long-passphrase", name="Owner", is_verified=True, actor=SYSTEM
        )
        offered = next(one for one in billing.offered_plans() if one.key == plan)
        application = Application(f"ISP {slug}", slug, "NO", "NOK", "Europe/Oslo", region)
        organisation = create_organisation(application, offered, owner=owner, actor=SYSTEM)
    assert organisation.console is not None
    with schema_of(organisation.console.schema_name):
        facts = _facts(Instance.objects.get())
    return {"schema": organisation.console.schema_name, **facts}


def install(schema: str, app: str, environment: Json | None = None) -> Json:
    """Deploy an app of the catalogue."""
    with schema_of(schema):
        operation = instances.install(app=app, environment=environment or {}, actor=SYSTEM)
        found = Instance.objects.get(uuid=operation.subject_id)
        return {"schema": schema, **_facts(found), "operation": str(operation.uuid)}


def deploy(schema: str, instance: str, release: str = "") -> Json:
    """Deploy a release, the newest by default."""
    with schema_of(schema):
        found = Instance.objects.get(uuid=instance)
        return {"operation": str(instances.deploy(found, release=release, actor=SYSTEM).uuid)}


def change(schema: str, instance: str, what: str) -> Json:
    """Stop, start, suspend, resume or archive."""
    with schema_of(schema):
        found = Instance.objects.get(uuid=instance)
        return {"operation": str(instances.change(found, what, actor=SYSTEM).uuid)}


def retry(schema: str, operation: str) -> Json:
    """Start a failed operation anew."""
    with schema_of(schema):
        failed = Operation.objects.get(uuid=operation)
        return {"operation": str(operations.retry(failed, actor=SYSTEM).uuid)}


def publish(manifest: Json) -> Json:
    """A release in the catalogue."""
    return {"release": str(marketplace.publish(manifest))}


def withdraw(app: str, version: str) -> Json:
    """A release that is offered no more."""
    marketplace.withdraw(marketplace.release(app, version), actor=SYSTEM)
    return {}


def add_server(name: str, region: str, engine_url: str, address_prefix: str) -> Json:
    """A server in a region of its own."""
    with operator(), transaction.atomic():
        place = Region(code=region, name=region.title())
        records.add(place, actor=SYSTEM)
        room = {"cpu_millis": 64_000, "memory_mb": 16_000, "disk_mb": 200_000}
        server = Server(
            name=name, region=place, engine_url=engine_url, address_prefix=address_prefix, **room
        )
        records.add(server, actor=SYSTEM)
    return {"server": str(server.uuid)}


def make_key(slug: str, level: str) -> Json:
    """A key of a new person who may do everything in an ISP's `console` or `workspace`."""
    organisation = Organisation.objects.get(slug=slug)
    tenant = getattr(organisation, level)
    with schema_of(tenant.schema_name):
        email = f"robot@{slug}.example"
        user = User.objects.create_user(email, is_staff=True, is_superuser=True)
        return {"key": key_like(user)[1].reveal()}


def sign_in(slug: str, level: str) -> Json:
    """A session of a new person who may do everything there, and the name of its cookie."""
    tenant = getattr(Organisation.objects.get(slug=slug), level)
    with schema_of(tenant.schema_name):
        email = f"{uuid4().hex}@{slug}.example"
        user = User.objects.create_user(email, is_staff=True, is_superuser=True)
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
    return {"name": settings.SESSION_COOKIE_NAME, "value": session.session_key}


def hasten_grant(schema: str) -> Json:
    """What tomorrow would do by itself."""
    organisation = Organisation.objects.get(console__schema_name=schema)
    with operator(), transaction.atomic():
        work.hasten(grants.KIND, str(organisation.uuid))
    return {"organisation": str(organisation.uuid)}


def open_report(schema: str) -> Json:
    """The newest usage report, opened anew with the key of its stack."""
    organisation = Organisation.objects.get(console__schema_name=schema)
    newest = organisation.reports.get(number=max(r.number for r in organisation.reports.all()))
    key = grants._key_of[0](organisation)
    assert organisation.workspace is not None
    opened = open_usage_report(
        newest.token, [key], tenant=organisation.workspace.uuid, audience="dotmac.localhost"
    )
    return {"number": opened.value.number, "meters": dict(opened.value.meters)}


def _facts(instance: Instance) -> Json:
    last = Operation.objects.filter(subject_id=str(instance.uuid)).first()
    return {
        "instance": str(instance.uuid),
        "hostname": instance.hostname,
        "operation": str(last.uuid) if last else "",
    }


_ACTS = {
    act.__name__: act
    for act in (
        *(sign_up, install, deploy, change, retry, publish, withdraw),
        *(make_key, sign_in, add_server, hasten_grant, open_report),
    )
}


def _answer(line: str) -> Json:
    asked = json.loads(line)
    close_old_connections()
    try:
        return {"result": _ACTS[asked["act"]](**asked["with"])}
    except Exception as error:
        traceback.print_exc()
        return {"error": type(error).__name__, "message": str(error)}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(_answer(line)), flush=True)
