"""What dj-stripe asks of us."""

from uuid import UUID

from django.apps import apps
from django.http import HttpRequest

from apps.tenants.erasing.registry import keeps_invoices
from apps.tenants.models import Organisation

# What books consist of.
_BOOKED = ("Invoice", "Charge")


def subscriber_of(request: HttpRequest) -> Organisation | None:
    """The organisation whose console a request is for."""
    tenant = getattr(request, "tenant", None)
    return Organisation.objects.filter(console_id=tenant.pk).first() if tenant else None


@keeps_invoices
def booked(organisation: UUID) -> int:
    """Invoices and charges of an organisation's customers at the provider of payments."""
    models = (apps.get_model("djstripe", name) for name in _BOOKED)
    return sum(
        model.objects.filter(customer__subscriber__uuid=organisation).count() for model in models
    )
