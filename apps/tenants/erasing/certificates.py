"""The certificate of an erasure: signed, sent, and checked."""

import json
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext
from pydantic import TypeAdapter

from apps.accounts.addresses import platform_url
from apps.accounts.keys import signing_key, verify_keys
from apps.backups.targets import longest_kept
from apps.branding.looks import look_in_force
from apps.branding.mail import write_letter
from apps.branding.post import post
from apps.core.languages import speaking
from apps.core.zones import in_zone
from apps.fleet.models import Route
from apps.tenancy.kinds import PUBLIC, schema_exists
from apps.tenancy.models import Domain, Tenant
from apps.tenants.erasing.registry import books
from apps.tenants.erasing.scanning import tables_that_say
from apps.tenants.erasing.traces import Traces
from apps.tenants.models import Erasure, Organisation
from dotmac.crypto.contracts import ErasureCertificate, Unproven, open_erasure, sign_erasure
from dotmac.crypto.tokens import TokenError

_SAID = TypeAdapter(ErasureCertificate)
_UNPROVEN = TypeAdapter(tuple[Unproven, ...])
# What stays, and why; as the certificate says it, in English.
KEPT = (
    gettext_noop("This certificate: the organisation’s name and address, without any person."),
    gettext_noop("The ids in the operator’s event log, which by themselves name nobody."),
    gettext_noop("Accounts of people who belong to other organisations or to the operator."),
    gettext_noop("Backups and server logs, until they run out."),
)
# As whoever keeps books says it (registry.keeps_books).
_NO_INVOICES = gettext_noop("Invoices and payments, where the law demands it: there were none.")
_INVOICES = gettext_noop(
    "Invoices and payments, where the law demands it: the counts say how many."
)


def certify(erasure: Erasure) -> Erasure:
    """Sign what was erased, and forget what was looked for; call it in a transaction."""
    now = timezone.now()
    erasure.erased_at = now
    erasure.backups_until = now + longest_kept()
    logs = settings.LOG_DAYS
    # A file of a day goes when its last line is so old.
    erasure.logs_until = now + timedelta(days=logs + 1) if logs else None
    erasure.kept, erasure.sealed = [*KEPT, _books(erasure)], ""
    erasure.token = sign_erasure(_certificate(erasure), signing_key(), issuer=settings.BASE_DOMAIN)
    erasure.save(
        update_fields=["erased_at", "backups_until", "logs_until", "kept", "sealed", "token"],
    )
    return erasure


def _books(erasure: Erasure) -> str:
    return _INVOICES if erasure.counts.get("kept") else _NO_INVOICES


def send_certificate(erasure: Erasure, *, to: str, language: str, zone: str) -> None:
    """Post it to the owner of before; the address is in nothing but the mail, which is sealed."""
    with speaking(language), in_zone(zone):
        context = {
            "organisation": erasure.name,
            "erased_at": erasure.erased_at,
            "backups_until": erasure.backups_until,
            "logs_until": erasure.logs_until,
            "certificate": erasure.token,
            "unproven": [one.server for one in unproven_of(erasure)],
        }
        letter = write_letter(
            "tenants/mail/erased", context, look=look_in_force(), home_url=platform_url()
        )
    post(letter, to=[to])


def as_json(erasure: Erasure) -> str:
    """The certificate as a file: what it says, its signature, and the key that opens it."""
    shown = {
        "certificate": said(erasure),
        "token": erasure.token,
        "issuer": settings.BASE_DOMAIN,
        "keys": [key.to_pem() for key in verify_keys()],
        # By which it is seen whether anything came back.
        "schemas": erasure.schemas,
        "hosts": erasure.hosts,
    }
    return json.dumps(shown, indent=2, ensure_ascii=False)


def said(erasure: Erasure) -> dict[str, Any]:
    """What the certificate says, as JSON."""
    return _SAID.dump_python(_certificate(erasure), mode="json")  # type: ignore[no-any-return]


def faults(erasure: Erasure) -> list[str]:
    """What is wrong with a certificate or came back by name, in words; quick, for a page."""
    found = [*_signature_faults(erasure)]
    tenants = Tenant.objects.filter(schema_name__in=erasure.schemas)
    rows = {
        _("an organisation"): Organisation.objects.filter(uuid=erasure.organisation),
        _("a tenant"): tenants,
        _("a host"): Domain.objects.filter(domain__in=erasure.hosts),
        _("a route"): Route.objects.filter(hostname__in=erasure.hosts),
    }
    names = [name for name, query in rows.items() if query.exists()]
    names += [schema for schema in erasure.schemas if schema_exists(schema)]
    return found + [_("It has come back: %(what)s.") % {"what": name} for name in names]


def all_faults(erasure: Erasure) -> list[str]:
    """The same, and every row of the operator in which it is named."""
    traces = Traces(
        slug=erasure.slug,
        name=erasure.name,
        uuids=(str(erasure.organisation),),
        schemas=tuple(erasure.schemas),
        hosts=tuple(erasure.hosts),
        members=(),
        owner=("", "", ""),
    )
    but = ("tenants_erasure", *books())
    named = tables_that_say(traces.pattern(), schema=PUBLIC, but=but)
    return faults(erasure) + [
        ngettext(
            "%(table)s names it in %(count)s row.", "%(table)s names it in %(count)s rows.", count
        )
        % {"table": table, "count": count}
        for table, count in named
    ]


def _signature_faults(erasure: Erasure) -> list[str]:
    if erasure.erased_at is None:
        return [_("It is not erased yet.")]
    try:
        opened = open_erasure(erasure.token, verify_keys(), issuer=settings.BASE_DOMAIN).value
    except TokenError as error:
        return [str(error)]
    if opened != _certificate(erasure):
        return [_("What is shown is not what was signed: the row was changed.")]
    return []


def _certificate(erasure: Erasure) -> ErasureCertificate:
    assert erasure.erased_at is not None and erasure.backups_until is not None  # noqa: PT018
    return ErasureCertificate(
        certificate=erasure.uuid,
        organisation=erasure.organisation,
        name=erasure.name,
        slug=erasure.slug,
        asked_by=erasure.asked_by,
        asked_at=erasure.asked_at,
        begun_at=erasure.begun_at,
        erased_at=erasure.erased_at,
        backups_until=erasure.backups_until,
        logs_until=erasure.logs_until,
        counts=erasure.counts,
        kept=tuple(erasure.kept),
        unproven=unproven_of(erasure),
    )


def unproven_of(erasure: Erasure) -> tuple[Unproven, ...]:
    """What nobody saw go."""
    return _UNPROVEN.validate_python(erasure.unproven)  # type: ignore[no-any-return]


def unproven_as_json(unproven: tuple[Unproven, ...]) -> list[dict[str, Any]]:
    """As a row keeps it."""
    return _UNPROVEN.dump_python(unproven, mode="json")  # type: ignore[no-any-return]
