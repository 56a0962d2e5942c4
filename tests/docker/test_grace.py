"""The platform is away, its edge is up: a dedicated workspace goes on under its grant."""

import secrets
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dotmac.crypto.contracts import (
    GRANT_LIFETIME,
    Grant,
    open_usage_report,
    sign_grant,
)
from dotmac.crypto.keys import SigningKey
from dotmac.crypto.tokens import TokenError
from tests.docker.live_instance import LiveInstance
from tests.docker.visitor import Visitor
from tests.live_platform import BASE, LivePlatform, until

pytestmark = pytest.mark.docker
PASSWORD = "a-long-enough-passphrase"
GRANT_PATH = "/_dotmac/grant/"
_TECHNICIAN = """
import os
from apps.accounts.services import create_user
from apps.events.actors import SYSTEM
from apps.tenancy.kinds import schema_of
with schema_of(os.environ["WORKSPACE_SCHEMA"]):
    create_user(email=os.environ["EMAIL"], password=os.environ["PASSWORD"], name="Tina",
        is_verified=True, is_staff=True, is_superuser=True, actor=SYSTEM)
"""
_PUSHED = """
SELECT g.serial, g.pushed_at FROM tenants_grant g
JOIN tenants_organisation o ON o.id = g.organisation_id JOIN tenancy_tenant t ON t.id = o.console_id
WHERE t.schema_name = %s AND g.pushed_at IS NOT NULL
"""
_REPORTS = """
SELECT r.number, r.token FROM tenants_usagereport r
JOIN tenants_organisation o ON o.id = r.organisation_id JOIN tenancy_tenant t ON t.id = o.console_id
WHERE t.schema_name = %s ORDER BY r.number
"""
_TENANT = """
SELECT w.uuid, w.schema_name FROM tenants_organisation o
JOIN tenancy_tenant w ON w.id = o.workspace_id JOIN tenancy_tenant t ON t.id = o.console_id
WHERE t.schema_name = %s
"""


@pytest.fixture
def granted(acme_workspace: LiveInstance, platform: LivePlatform) -> LiveInstance:
    """Acme's workspace, to which a grant was brought."""
    until(lambda: _serial(platform, acme_workspace), what="The first grant")
    return acme_workspace


def _serial(platform: LivePlatform, workspace: LiveInstance) -> int:
    """The serial of the last grant that was brought; 0 before the first."""
    found = platform.sql(_PUSHED, workspace.schema)
    return int(found[0][0]) if found else 0


def _technician(workspace: LiveInstance) -> str:
    """The e-mail of a user whom only the workspace knows."""
    email = f"tina-{secrets.token_hex(3)}@acme.example"
    number = workspace.deployments()[-1][0]
    made = workspace.engine.exec(
        f"{workspace.short}-web-{number}",
        ("python", "manage.py", "shell", "-c", _TECHNICIAN),
        environment={"EMAIL": email, "PASSWORD": PASSWORD},
    )
    assert made.exit_code == 0, made.output
    return email


def test_a_workspace_goes_on_while_the_platform_is_away(
    platform: LivePlatform, granted: LiveInstance
) -> None:
    email = _technician(granted)
    serial = _serial(platform, granted)
    reports = len(platform.sql(_REPORTS, granted.schema))
    for name in ("clock", "worker", "web"):
        platform.kill(name)
    platform.stop_database()
    assert platform.get(BASE, "/readyz", tls=False).status == 502
    _goes_on(platform, granted, email)
    platform.start_missing()
    platform.act("hasten_grant", schema=granted.schema)
    until(lambda: _serial(platform, granted) > serial, what="A new grant")
    until(lambda: len(platform.sql(_REPORTS, granted.schema)) > reports, what="A new report")
    _verifies(platform, granted)


def _goes_on(platform: LivePlatform, workspace: LiveInstance, email: str) -> None:
    visitor = Visitor(platform, workspace.hostname)
    assert visitor.get("/readyz").status == 200
    assert visitor.get("/accounts/login/").status == 200
    assert visitor.get("/admin/").status == 302
    entered = visitor.submit("/accounts/login/?next=/admin/", login=email, password=PASSWORD)
    assert (entered.status, entered.location) == (302, "/admin/")
    for page in ("/admin/", "/admin/subscribers/subscriber/", "/admin/accounts/user/"):
        assert visitor.get(page).status == 200, page
    changed = visitor.submit("/admin/accounts/user/add/", email="wrong")
    assert changed.status == 200, "It is read-only although its grant is good."


def _verifies(platform: LivePlatform, workspace: LiveInstance) -> None:
    """The newest report is signed with the key of its stack, and with no other."""
    number, token = platform.sql(_REPORTS, workspace.schema)[-1]
    opened = platform.act("open_report", schema=workspace.schema)
    assert opened["number"] == number
    assert opened["meters"]
    tenant = platform.sql(_TENANT, workspace.schema)[0][0]
    with pytest.raises(TokenError, match="not trusted"):
        open_usage_report(token, [SigningKey.generate().public], tenant=tenant, audience=BASE)


def test_a_workspace_refuses_grants_that_are_not_the_platform_s_newest_for_it(
    platform: LivePlatform, granted: LiveInstance
) -> None:
    platform_key = SigningKey.from_pem(platform.environment["PLATFORM_SIGNING_KEY"])
    tenant, schema = platform.sql(_TENANT, granted.schema)[0]
    good = Grant(
        serial=_serial(platform, granted) + 1000,
        tenant=tenant,
        schema=schema,
        mode="read_only",
        version="0.1.0",
        issued_at=datetime.now(UTC),
    )
    long_ago = good.issued_at - GRANT_LIFETIME - timedelta(hours=1)
    signed = sign_grant(good, platform_key, issuer=BASE)
    refused = {
        "forged": sign_grant(good, SigningKey.generate(), issuer=BASE),
        "changed": f"{signed[:-8]}AAAAAAAA",
        "expired": sign_grant(replace(good, issued_at=long_ago), platform_key, issuer=BASE),
        "another's": sign_grant(replace(good, tenant=uuid.uuid4()), platform_key, issuer=BASE),
        "older": sign_grant(replace(good, serial=1), platform_key, issuer=BASE)
        if _serial(platform, granted) > 1
        else "",
        "damaged": "not a token",
    }
    visitor = Visitor(platform, granted.hostname)
    statuses = {
        why: visitor.send("POST", GRANT_PATH, token.encode()).status
        for why, token in refused.items()
    }
    assert statuses == dict.fromkeys(refused, 403)
    assert visitor.get(GRANT_PATH).status == 405
    entered = visitor.submit("/accounts/login/", login=_technician(granted), password=PASSWORD)
    assert entered.status == 302
    # Each of them would have made it read-only.
    assert visitor.submit("/admin/accounts/user/add/", email="wrong").status == 200
