"""The platform's side of the contract: signing a grant, bringing it, taking the report."""

import http.client
import json
import socket
import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_noop

from apps.accounts.keys import signing_key
from apps.contract import services as contract
from apps.core.exceptions import DomainError
from apps.events import services as events
from apps.events.actors import SYSTEM
from apps.tenancy.kinds import operator, schema_of
from apps.tenancy.models import Tenant
from apps.tenants.impersonation import visits_that_go_on
from apps.tenants.members import members_of, signed_out_of
from apps.tenants.models import Grant as GrantRow
from apps.tenants.models import Organisation, UsageReport
from apps.tenants.plans import entitlements_of
from apps.tenants.telling import KIND
from apps.work import services as work
from apps.work.words import words
from dotmac.crypto.contracts import GRANT_LIFETIME, Grant, open_usage_report, sign_grant
from dotmac.crypto.keys import VerifyKey
from dotmac.crypto.tokens import TokenError

__all__ = ["KIND", "RENEW_EVERY", "ContractError", "note_failure", "renew", "signs_reports"]
RENEW_EVERY = timedelta(days=1)
PATH = "/_dotmac/grant/"
_TIMEOUT_S = 10.0
_LONGEST = 256 * 1024
_KeyOf = Callable[[Organisation], VerifyKey]
_key_of: list[_KeyOf] = []


class ContractError(DomainError):
    """The workspace could not be reached, or its answer cannot be believed."""


def told_by(organisation: Organisation) -> tuple[Any, ...]:
    """What a grant made now would say of people: who belongs or was signed out, and who visits."""
    visits = tuple(visits_that_go_on(organisation))
    return members_of(organisation), signed_out_of(organisation), visits


def signs_reports(key_of: _KeyOf) -> _KeyOf:
    """Register who knows the public key of an organisation's stack (the instances do)."""
    _key_of[:] = [key_of]
    return key_of


def renew(organisation: Organisation) -> UsageReport:
    """Bring a new grant to the workspace and record its report; ContractError says why not."""
    workspace = organisation.workspace
    assert workspace is not None
    token = _sign(organisation, workspace)
    report_token, key = (
        _bring_here(token, workspace)
        if workspace.is_local
        else _bring_there(token, organisation, workspace)
    )
    return _record(organisation, workspace, report_token, key)


@transaction.atomic
def _sign(organisation: Organisation, workspace: Tenant) -> str:
    row, _new = GrantRow.objects.get_or_create(organisation=organisation)
    now = timezone.now()
    GrantRow.objects.filter(pk=row.pk).update(
        serial=F("serial") + 1, expires_at=now + GRANT_LIFETIME
    )
    row.refresh_from_db()
    entitlements = entitlements_of(organisation)
    limits = {k: v for k, v in entitlements.items() if k.startswith("max_")}
    is_open = organisation.status == Organisation.Status.ACTIVE
    grant = Grant(
        serial=row.serial,
        tenant=workspace.uuid,
        schema=workspace.schema_name,
        mode="full" if is_open else "read_only",
        version=settings.VERSION,
        issued_at=now,
        entitlements={k: v for k, v in entitlements.items() if k not in limits},
        limits=limits,
        hostnames=tuple(workspace.domains.values_list("domain", flat=True)),
        brand={"name": organisation.name, "time_zone": organisation.time_zone},
        members=members_of(organisation),
        visits=tuple(visits_that_go_on(organisation)),
        signed_out=signed_out_of(organisation),
    )
    return sign_grant(grant, signing_key(), issuer=settings.BASE_DOMAIN)


def _bring_here(token: str, workspace: Tenant) -> tuple[str, VerifyKey]:
    """A shared workspace lies in this database, and its reports are signed by the platform."""
    key = signing_key()
    with schema_of(workspace.schema_name):
        contract.accept(token, tenant=workspace.uuid)
        return contract.make_report(tenant=workspace.uuid, key=key), key.public


def _bring_there(
    token: str, organisation: Organisation, workspace: Tenant
) -> tuple[str, VerifyKey]:
    host = workspace.domains.get(is_primary=True).domain
    status, body = _post(host, token)
    if status != http.client.OK:
        detail = body.get("detail") or f"it answered {status}"
        raise ContractError(f"{host} did not take its grant: {detail}")
    return str(body.get("report", "")), _key_of[0](organisation)


def _post(host: str, token: str) -> tuple[int, dict[str, str]]:
    """Through the edge, by its address: resolvers need not know the host."""
    address = (settings.EDGE_ADDRESS, settings.EDGE_HTTPS_PORT)
    asked = http.client.HTTPConnection(*address, timeout=_TIMEOUT_S)
    try:
        plain = socket.create_connection(address, _TIMEOUT_S)
        asked.sock = _trusting().wrap_socket(plain, server_hostname=host)
        asked.request("POST", PATH, body=token, headers={"Host": f"{host}:{address[1]}"})
        answer = asked.getresponse()
        body = json.loads(answer.read(_LONGEST) or b"{}")
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ContractError(f"{host} could not be reached through the edge: {error}") from error
    finally:
        asked.close()
    return answer.status, body if isinstance(body, dict) else {}


def _trusting() -> ssl.SSLContext:
    """Read anew each time: the CA of this machine may be younger than this process."""
    ca = Path(settings.EDGE_CA_FILE)
    return ssl.create_default_context(cafile=str(ca) if ca.is_file() else None)


@transaction.atomic
def _record(
    organisation: Organisation, workspace: Tenant, token: str, key: VerifyKey
) -> UsageReport:
    try:
        opened = open_usage_report(
            token, [key], tenant=workspace.uuid, audience=settings.BASE_DOMAIN
        )
    except TokenError as error:
        raise ContractError(
            f"The usage report of {organisation} is not signed as it should be: {error}"
        ) from error
    report = opened.value
    last = organisation.reports.select_for_update().first()
    if last is not None and report.number <= last.number:
        raise ContractError(
            f"Usage report {report.number} of {organisation} is not newer than {last.number}."
        )
    row = UsageReport.objects.create(
        organisation=organisation,
        number=report.number,
        meters=dict(report.meters),
        made_at=opened.claims.issued_at,
        token=token,
    )
    GrantRow.objects.filter(organisation=organisation).update(
        pushed_at=timezone.now(), last_error=""
    )
    with operator():
        facts = {"number": report.number, "meters": dict(report.meters)}
        events.record("usage.reported", actor=SYSTEM, subject=organisation, data=facts)
        if last is not None:
            _compare_logs(organisation, last, row)
    return row


def _compare_logs(organisation: Organisation, last: UsageReport, now: UsageReport) -> None:
    """Tell when a workspace's event log is shorter than it was: its newest events were removed."""
    before, after = (int(one.meters.get("events_sealed", 0)) for one in (last, now))
    if after < before:
        facts = {"before": before, "after": after}
        events.record("log.cut_back", actor=SYSTEM, subject=organisation, data=facts)
        work.note_failure(
            "log",
            str(organisation.uuid),
            title=words(gettext_noop("The event log of {name} was cut back"), name=organisation),
            reason=words(
                gettext_noop("It had {before} sealed events and has {after}. Find out who did it."),
                before=before,
                after=after,
            ),
        )


def note_failure(organisation: Organisation, reason: str) -> None:
    """Keep why the last push failed, for the operator."""
    GrantRow.objects.filter(organisation=organisation).update(last_error=reason[:300])
