"""Erasures that a restored database has forgotten: known again, and done again."""

import json
from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.keys import verify_keys
from apps.core.exceptions import ConflictError, DomainError
from apps.events import services as events
from apps.events.actors import SYSTEM, Actor, Subject
from apps.operations.models import Operation
from apps.tenancy.kinds import operator
from apps.tenancy.models import Tenant
from apps.tenants.erasing.certificates import as_json, unproven_as_json
from apps.tenants.erasing.imported import erase_imported_again
from apps.tenants.erasing.services import start_erasure, traces_of_organisation
from apps.tenants.models import Erasure, Organisation
from dotmac.crypto.contracts import ErasureCertificate, open_erasure
from dotmac.crypto.tokens import TokenError

log = structlog.get_logger(__name__)


def come_back() -> QuerySet[Erasure]:
    """Organisations that have a certificate and are here all the same, since a restore."""
    its = OuterRef("organisation")
    # Of those that nobody adopted, a tenant's id stands in its place.
    there = Q(Exists(Organisation.objects.filter(uuid=its)))
    there |= Q(Exists(Tenant.objects.filter(uuid=its)))
    return Erasure.objects.filter(there, erased_at__isnull=False)


def certificates_here() -> list[str]:
    """The certificates that this database knows, by id."""
    known = Erasure.objects.filter(erased_at__isnull=False).values_list("uuid", flat=True)
    return [str(uuid) for uuid in known]


def certificate_file(uuid: str) -> bytes:
    """One as it is kept elsewhere, and downloaded."""
    return as_json(Erasure.objects.get(uuid=uuid)).encode()


def take_certificate_in(uuid: str, read: Callable[[], bytes]) -> bool:
    """Know of a certificate that lay off site; one that is not ours is logged and left."""
    try:
        return know_of(read()) is not None
    except DomainError as error:
        log.warning("certificate_not_believed", certificate=uuid, error=error.message)
        return False


@transaction.atomic
def know_of(content: bytes) -> Erasure | None:
    """Keep a certificate's row again; None where there is one, or its organisation goes anyhow.

    DomainError for a file that is none, or is not signed by this installation.
    """
    signed, said = _opened(content)
    with operator():
        known = Q(uuid=signed.certificate) | Q(organisation=signed.organisation)
        if Erasure.objects.filter(known | Q(slug=signed.slug)).exists():
            return None
        # The moment that was restored lies in its days of grace, after which the clock goes on.
        closed = Organisation.Status.CLOSED
        if Organisation.objects.filter(uuid=signed.organisation, status=closed).exists():
            return None
        row = Erasure.objects.create(
            uuid=signed.certificate,
            organisation=signed.organisation,
            name=signed.name,
            slug=signed.slug,
            schemas=_texts(said.get("schemas")),
            hosts=_texts(said.get("hosts")),
            asked_by=signed.asked_by,
            asked_at=signed.asked_at,
            erased_at=signed.erased_at,
            backups_until=signed.backups_until,
            logs_until=signed.logs_until,
            counts={kind: dict(found) for kind, found in signed.counts.items()},
            kept=list(signed.kept),
            unproven=unproven_as_json(signed.unproven),
            token=said["token"],
        )
        # What is signed, not when this row was made.
        Erasure.objects.filter(pk=row.pk).update(begun_at=signed.begun_at)
        row.begun_at = signed.begun_at
        events.record(
            "erasure.remembered",
            actor=SYSTEM,
            subject=Subject("organisation", str(row.organisation), row.name),
            data={"certificate": str(row.uuid)},
        )
    return row


@transaction.atomic
def erase_again(erasure: Erasure, *, actor: Actor) -> Operation:
    """Erase an organisation that came back, without days of grace; its certificate is made anew.

    ConflictError where it has not come back, or is being erased.
    """
    with operator():
        row = Erasure.objects.select_for_update().get(pk=erasure.pk)
        rows = Organisation.objects.select_for_update().filter(uuid=row.organisation)
        organisation = rows.first()
        if row.erased_at is None:
            raise ConflictError(_("%(name)s is being erased.") % {"name": row})
        now = timezone.now()
        rows.update(status=Organisation.Status.CLOSED, closed_at=now, erase_after=now)
        row.begun_at, row.erased_at, row.backups_until, row.logs_until = now, None, None, None
        row.counts, row.kept, row.unproven, row.token = {}, [], [], ""
        if organisation is not None:
            return start_erasure(row, traces_of_organisation(organisation), actor=actor)
        begun = erase_imported_again(row, actor=actor)
        if begun is None:
            raise ConflictError(_("%(name)s has not come back.") % {"name": row})
        return begun


def _opened(content: bytes) -> tuple[ErasureCertificate, dict[str, Any]]:
    try:
        said = json.loads(content)
        token = said["token"]
    except (ValueError, KeyError, TypeError) as error:
        raise DomainError(_("This file is no certificate of an erasure.")) from error
    try:
        return open_erasure(str(token), verify_keys(), issuer=settings.BASE_DOMAIN).value, said
    except TokenError as error:
        raise DomainError(
            _("This certificate is not signed by this installation: %(error)s") % {"error": error}
        ) from error


def _texts(found: Any) -> list[str]:
    return [str(one) for one in found] if isinstance(found, list) else []
