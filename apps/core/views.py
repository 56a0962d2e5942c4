"""The mailbox of a development machine, and the codes of the API's problems."""

import re
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET

from apps.core import mailbox
from apps.core.api.codes import problem_codes

# The name that the mailbox gives a message's file; nothing else is opened.
_MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' https: http: data:;"
    " frame-ancestors 'self'; sandbox allow-popups"
)
_MESSAGE_ID = re.compile(r"[0-9]{20}-[0-9a-f]{6,32}\Z")


@require_GET
@never_cache
def mail_list(request: HttpRequest) -> HttpResponse:
    """What would have been sent, newest first."""
    check_development()
    mails = [{**mail, "url": reverse("mail", args=[mail["id"]])} for mail in mailbox.messages()]
    return render(request, "dev/mail_list.html", {"mails": mails, "crumbs": []})


@require_GET
@never_cache
def mail_detail(request: HttpRequest, message_id: str) -> HttpResponse:
    """One message with its links."""
    found = _message(message_id)
    html_url = reverse("mail_html", args=[message_id]) if found["html"] else ""
    mail = {**found, "body": found["text"], "sender": found["from"], "html_url": html_url}
    crumbs = [{"title": _("Mailbox"), "url": reverse("mailbox")}, {"title": found["subject"]}]
    return render(request, "dev/mail_detail.html", {"mail": mail, "crumbs": crumbs})


@require_GET
@never_cache
@xframe_options_sameorigin
def mail_html(request: HttpRequest, message_id: str) -> HttpResponse:
    """The message as a mail program shows it."""
    return as_in_a_mail_program(_message(message_id)["html"])


def as_in_a_mail_program(html: str) -> HttpResponse:
    """A mail's HTML in a frame of our own: with its style, and nothing that runs."""
    response = HttpResponse(html)
    response["Content-Security-Policy"] = _MAIL_POLICY
    return response


@require_GET
def api_errors(request: HttpRequest) -> HttpResponse:
    """What each code of a problem means; the `type` of every problem leads here."""
    return render(request, "pages/api_errors.html", {"codes": problem_codes()})


def _message(message_id: str) -> dict[str, Any]:
    check_development()
    if not _MESSAGE_ID.match(message_id):
        raise Http404
    try:
        return mailbox.read(message_id)
    except KeyError:
        raise Http404 from None


def check_development() -> None:
    """404 where people use it."""
    if not settings.DEVELOPMENT:
        raise Http404
