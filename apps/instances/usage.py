"""How much of what its plan holds an organisation uses, for its console."""

from django.db.models import Sum
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from apps.core.languages import grouped
from apps.fleet.models import Placement
from apps.instances.services import allowed_instances
from apps.portal.charts import Limit
from apps.tenancy.kinds import current_schema
from apps.tenants.models import Organisation
from apps.tenants.plans import entitlements_of

_MIB_IN_GIB = 1024


def limits(instances: int) -> list[Limit]:
    """Instances, memory and subscribers as far as the plan limits them; `instances` are open."""
    organisation = Organisation.objects.filter(console__schema_name=current_schema()).first()
    if organisation is None:
        return []
    entitled = entitlements_of(organisation)
    found = [_instances(instances, allowed_instances(entitled))]
    if entitled.get("memory_mb"):
        found.append(_memory(entitled["memory_mb"]))
    if entitled.get("max_subscribers"):
        found += _subscribers(organisation, entitled["max_subscribers"])
    return found


def _instances(used: int, allowed: int) -> Limit:
    text = _of(grouped(used), grouped(allowed))
    url = reverse("admin:instances_instance_changelist")
    return Limit(_("Instances"), used, allowed, text, url, order=10)


def _memory(allowed: int) -> Limit:
    rows = Placement.objects.filter(schema=current_schema(), status__in=Placement.OPEN)
    used = rows.aggregate(used=Sum("memory_mb"))["used"] or 0
    text = _("%(used)s of %(allowed)s GiB") % {"used": _gib(used), "allowed": _gib(allowed)}
    return Limit(_("Memory"), used, allowed, text, order=20)


def _subscribers(organisation: Organisation, allowed: int) -> list[Limit]:
    """As the workspace reported last; nothing before its first report."""
    report = organisation.reports.first()
    if report is None:
        return []
    # Counts travel as texts, since JSON bounds its numbers.
    used = int(report.meters.get("active_subscribers", "0"))
    label = _("Subscribers with an active service")
    return [Limit(label, used, allowed, _of(grouped(used), grouped(allowed)), order=30)]


def _of(used: str, allowed: str) -> str:
    return _("%(used)s of %(allowed)s") % {"used": used, "allowed": allowed}


def _gib(mebibytes: int) -> str:
    return number_format(mebibytes / _MIB_IN_GIB, 1)
