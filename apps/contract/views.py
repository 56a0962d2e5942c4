"""Where the platform brings a grant and takes a usage report away."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from apps.contract import services
from apps.contract.exceptions import GrantRefusedError
from apps.tenancy.models import Tenant
from dotmac.crypto.keys import SigningKey

_LONGEST = 64 * 1024


@csrf_exempt  # The token itself proves who sends it; no cookie counts here.
@require_POST
def grant(request: HttpRequest) -> HttpResponse:
    """Accept a grant; the answer is a signed usage report."""
    if len(request.body) > _LONGEST:
        return JsonResponse({"code": "too_large"}, status=413)
    tenant: Tenant = request.tenant  # type: ignore[attr-defined]
    try:
        services.accept(request.body.decode("ascii", "replace"), tenant=tenant.uuid)
    except GrantRefusedError as error:
        return JsonResponse({"code": error.code, "detail": error.message}, status=error.status)
    report = services.make_report(tenant=tenant.uuid, key=_own_key())
    return JsonResponse({"report": report})


def _own_key() -> SigningKey:
    """The key of this stack; a shared workspace has none, and no grant comes to it this way."""
    if not settings.INSTANCE_SIGNING_KEY:
        raise ImproperlyConfigured("INSTANCE_SIGNING_KEY is empty in this workspace's stack.")
    return SigningKey.from_pem(settings.INSTANCE_SIGNING_KEY.replace("\\n", "\n"))
