"""Which certificates there should be: follows from the authority, the DNS, and every hostname."""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from apps.certificates.accounts import account_in_force
from apps.certificates.models import AcmeAccount, Certificate
from apps.events import services as events
from apps.events.actors import SYSTEM
from apps.fleet.models import Route
from apps.fleet.services import withdraw_certificate
from apps.tenancy.models import Domain

_LOCK = "SELECT pg_advisory_xact_lock(hashtext('certificates.plan'))"
_Challenge, _Status = Certificate.Challenge, Certificate.Status


@dataclass(frozen=True)
class Wanted:
    """One certificate: for these names, proved in this way."""

    hostnames: tuple[str, ...]
    challenge: str


def plan() -> int:
    """Have rows for the certificates that should be, and end the others; returns how many changed.

    Without an authority in force all stays as it is.
    """
    account = account_in_force()
    if account is None:
        return 0
    wanted = wanted_with(account)
    rows = {row.name: row for row in Certificate.objects.all()}
    changed = [name for name, one in wanted.items() if not _is(rows.get(name), one)]
    over = [
        name for name, row in rows.items() if name not in wanted and row.status != _Status.ENDED
    ]
    if not changed and not over:
        return 0
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Two that plan at once would each make the same rows.
            cursor.execute(_LOCK)
        return sum(_want(name, wanted[name]) for name in changed) + sum(map(_end, over))


@transaction.atomic
def forget_certificates(is_gone: Callable[[str], bool]) -> dict[str, int]:
    """Delete what there is of certificates all of whose hostnames are gone for good.

    Returns how many rows went, by table. Whoever is at one just now finds no row any more.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)
    found: dict[str, int] = {}
    for row in Certificate.objects.select_for_update():
        if row.hostnames and all(map(is_gone, row.hostnames)):
            withdraw_certificate(row.name)
            events.record("certificate.withdrawn", actor=SYSTEM, subject=row)
            for label, count in row.delete()[1].items():
                found[label.lower()] = found.get(label.lower(), 0) + count
    return found


def wanted_with(account: AcmeAccount) -> dict[str, Wanted]:
    """By name: with a DNS of ours each domain with its wildcard, in one; else host by host."""
    found: dict[str, Wanted] = {}
    if account.dns_kind:
        for domain in (settings.BASE_DOMAIN, settings.APPS_DOMAIN):
            found[domain] = Wanted((domain, f"*.{domain}"), _Challenge.DNS)
    covered = {name for one in found.values() for name in one.hostnames}
    for host in sorted({settings.BASE_DOMAIN, *_hosts()}):
        if host not in covered and f"*.{host.partition('.')[2]}" not in covered:
            found[host] = Wanted((host,), _Challenge.HTTP)
    return found


def _hosts() -> set[str]:
    """Every hostname that leads to us."""
    domains = Domain.objects.order_by().values_list("domain", flat=True)
    routes = Route.objects.order_by().values_list("hostname", flat=True)
    return {host for host in {*domains, *routes} if "." in host and "_" not in host}


def _is(row: Certificate | None, wanted: Wanted) -> bool:
    return (
        row is not None
        and row.status != _Status.ENDED
        and tuple(row.hostnames) == wanted.hostnames
        and row.challenge == wanted.challenge
    )


def _want(name: str, wanted: Wanted) -> bool:
    """A row in the state “wanted”; what is served of it goes on until the new one is there."""
    row = Certificate.objects.select_for_update().filter(name=name).first()
    if row is not None and (_is(row, wanted) or row.status in Certificate.BUSY):
        return False
    row = row or Certificate(name=name)
    row.hostnames, row.challenge = list(wanted.hostnames), wanted.challenge
    row.status, row.next_at = _Status.WANTED, timezone.now()
    row.order_url = row.order_key = ""
    row.save()
    data = {"names": row.hostnames, "challenge": row.challenge}
    events.record("certificate.wanted", actor=SYSTEM, subject=row, data=data)
    return True


def _end(name: str) -> bool:
    """Of a hostname that is gone; its worker, if one is at it, finds nothing more to do."""
    row = Certificate.objects.select_for_update().get(name=name)
    if row.status in Certificate.BUSY:
        return False
    row.status, row.next_at = _Status.ENDED, None
    row.order_url = row.order_key = ""
    row.save()
    withdraw_certificate(name)
    events.record("certificate.withdrawn", actor=SYSTEM, subject=row)
    return True
