"""The mailbox of a development machine, and the codes of the API's problems."""

import re
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from apps.core import mailbox
from apps.core.api.codes import problem_codes

# The name that the mailbox gives a message's file; nothing else is opened.
_MESSAGE_ID = re.compile(r"[0-9]{20}-[0-9a-f]{6,32}\Z")


@require_GET
@never_cache
def mail_list(request: HttpRequest) -> HttpResponse:
    """What would have been sent, newest first."""
    _check_development()
    mails = [{**mail, "url": reverse("mail", args=[mail["id"]])} for mail in mailbox.messages()]
    return render(request, "dev/mail_list.html", {"mails": mails, "crumbs": []})


@require_GET
@never_cache
def mail_detail(request: HttpRequest, message_id: str) -> HttpResponse:
    """One message with its links."""
    _check_development()
    if not _MESSAGE_ID.match(message_id):
        raise Http404
    try:
        found = mailbox.read(message_id)
    except KeyError:
        raise Http404 from None
    mail: dict[str, Any] = {**found, "body": found["text"], "sender": settings.DEFAULT_FROM_EMAIL}
    crumbs = [{"title": _("Mailbox"), "url": reverse("mailbox")}, {"title": found["subject"]}]
    return render(request, "dev/mail_detail.html", {"mail": mail, "crumbs": crumbs})


@require_GET
def api_errors(request: HttpRequest) -> HttpResponse:
    """What each code of a problem means; the `type` of every problem leads here."""
    return render(request, "pages/api_errors.html", {"codes": problem_codes()})


def _check_development() -> None:
    if not settings.DEVELOPMENT:
        raise Http404
