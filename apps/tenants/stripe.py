"""What dj-stripe asks of us."""

from django.http import HttpRequest

from apps.tenants.models import Organisation


def subscriber_of(request: HttpRequest) -> Organisation | None:
    """The organisation whose console a request is for."""
    tenant = getattr(request, "tenant", None)
    return Organisation.objects.filter(console_id=tenant.pk).first() if tenant else None
