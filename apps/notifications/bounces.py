"""Where a mail provider or a mail server reports what came back.

POST a delivery status notification (RFC 3464) or a complaint (RFC 5965), as a whole with the
Content-Type message/rfc822, or its body alone with its own Content-Type, multipart/report.
Permanent failures of an address and complaints of abuse end all mail to it but what somebody waits
for who is signing in; all others are passed over. At the operator it counts for the level that the
mail was of, which its header X-Origin tells.

Or POST {"address": "dora@example.com", "type": "bounce", "reason": "550 no such user"}, or a list
of such. Types: bounce and complaint end mail to the address in the same way.
"""

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import (
    MaxLengthValidator,
    ProhibitNullCharactersValidator,
    validate_email,
)
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from apps.branding.origins import origin_of
from apps.events.actors import Actor
from apps.notifications.returned import TYPES, Report, read_report
from apps.notifications.suppression import is_bounce_token, suppress
from apps.tenancy.kinds import PUBLIC, current_schema, schema_exists, schema_of

PROVIDER = Actor("provider", label="Mail provider")
_FINAL = {"bounce": "Bounced", "complaint": "Complained"}
_MOST = 1000
_MAX_BYTES = 1_000_000


@csrf_exempt
@require_POST
def bounces(request: HttpRequest, token: str) -> HttpResponse:
    """Take a report; 404 without the schema's own token, 400 for what is no report."""
    if not is_bounce_token(token):
        raise Http404
    try:
        _check_size(request)
        if request.content_type in TYPES:
            report = read_report(request.body, request.headers["Content-Type"])
            return JsonResponse({"suppressed": _take(report)})
        reports = _parsed(request)
    except ValueError as error:
        return JsonResponse({"error": str(error)}, status=400)
    except RecursionError:
        return JsonResponse({"error": "The report is nested too deeply."}, status=400)
    added = sum(suppress(address, reason=why, actor=PROVIDER) for address, why in reports)
    return JsonResponse({"suppressed": added})


def _take(report: Report) -> int:
    """At the operator also mails of the other levels come back, which leave by its server."""
    here, added = current_schema(), 0
    for one in report.returned:
        theirs = origin_of(report.origin, one.address) if here == PUBLIC else ""
        if one.is_final and (not theirs or schema_exists(theirs)):
            with schema_of(theirs or here):
                added += suppress(one.address, reason=one.reason, actor=PROVIDER)
    return added


def _check_size(request: HttpRequest) -> None:
    if int(request.headers.get("Content-Length") or 0) > _MAX_BYTES:
        raise ValueError("The report is larger than 1 MB.")


def _parsed(request: HttpRequest) -> list[tuple[str, str]]:
    """Addresses with the reason; all are understood, or none is taken."""
    said: Any = json.loads(request.body)
    rows = said if isinstance(said, list) else [said]
    if len(rows) > _MOST or not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"Send an object, or a list of up to {_MOST}.")
    return [_one(row) for row in rows if row.get("type") in _FINAL]


def _one(row: dict[str, Any]) -> tuple[str, str]:
    address = str(row.get("address", ""))
    try:
        validate_email(address)
        MaxLengthValidator(254)(address)
        ProhibitNullCharactersValidator()(str(row.get("reason")))
    except ValidationError:
        raise ValueError("An address or its reason is missing or is none.") from None
    why = " ".join(str(row.get("reason") or "").split())
    return address, f"{_FINAL[row['type']]}: {why}".removesuffix(": ")
