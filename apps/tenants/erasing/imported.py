"""Imported tenants that nobody adopts: erased as an organisation is, with a certificate."""

from itertools import count

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.core.exceptions import DomainError
from apps.events.actors import Actor
from apps.operations.models import Operation
from apps.tenancy.kinds import operator
from apps.tenancy.models import Tenant
from apps.tenants.adopting import locked
from apps.tenants.erasing.services import start_erasure, traces_of
from apps.tenants.models import Erasure, Organisation

_LONGEST = 30


def erase_imported(slug: str, *, confirm: str, actor: Actor) -> Operation:
    """Begin to erase console and workspace of a slug; it cannot be taken back.

    `confirm` is the slug, typed. NotFoundError where nothing there belongs to nobody.
    """
    if confirm.strip().lower() != slug:
        raise DomainError(_("This is another address."), field="confirm")
    with transaction.atomic(), operator():
        found = locked(slug)
        tenants = [one for one in (found.workspace, found.console) if one is not None]
        erasure = Erasure(
            organisation=tenants[0].uuid,
            name=found.name,
            slug=_unused(slug),
            asked_by=Organisation.Side.OPERATOR,
            asked_at=timezone.now(),
        )
        return start_erasure(erasure, traces_of(erasure, tenants), actor=actor)


def erase_imported_again(erasure: Erasure, *, actor: Actor) -> Operation | None:
    """Begin with those that a restore brought back; None where there are none."""
    rows = Tenant.objects.select_for_update().filter(schema_name__in=erasure.schemas)
    tenants = list(rows.order_by("-kind"))
    if not any(one.uuid == erasure.organisation for one in tenants):
        return None
    return start_erasure(erasure, traces_of(erasure, tenants), actor=actor)


def _unused(slug: str) -> str:
    """A certificate has an address for itself; what was imported beside one is counted."""
    names = (slug if n == 1 else f"{slug[: _LONGEST - 4]}~{n}" for n in count(1))
    return next(name for name in names if not _is_taken(name))


def _is_taken(slug: str) -> bool:
    return (
        Organisation.objects.filter(slug=slug).exists()
        or Erasure.objects.filter(slug=slug).exists()
    )
