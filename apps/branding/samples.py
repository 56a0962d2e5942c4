"""Every mail there is, with made-up content, on a development machine: /dev/mail/samples/."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET

from apps.branding.looks import look_in_force
from apps.branding.mail import Letter, write_letter
from apps.core.views import as_in_a_mail_program, check_development

_HOME = "https://acme.example/"
_SCHEMES = {
    "light": gettext_lazy("Light"),
    "dark": gettext_lazy("Dark"),
    "auto": gettext_lazy("As the device"),
    "text": gettext_lazy("Text"),
}


@require_GET
@never_cache
def index(request: HttpRequest) -> HttpResponse:
    """All of them, each in light and dark and as text."""
    check_development()
    mails = [
        {
            "subject": sample(name).subject,
            "template": name,
            "links": [
                {"title": title, "url": reverse("mail_sample", args=[number, scheme])}
                for scheme, title in _SCHEMES.items()
            ],
        }
        for number, name in enumerate(templates())
    ]
    crumbs = [{"title": _("Mailbox"), "url": reverse("mailbox")}, {"title": _("Every mail")}]
    return render(request, "dev/mail_samples.html", {"mails": mails, "crumbs": crumbs})


@require_GET
@never_cache
@xframe_options_sameorigin
def show(request: HttpRequest, number: int, scheme: str) -> HttpResponse:
    """One of them, as a mail program shows it."""
    check_development()
    names = templates()
    if number >= len(names) or scheme not in _SCHEMES:
        raise Http404
    letter = sample(names[number], "" if scheme == "auto" else scheme)
    if scheme == "text":
        return HttpResponse(letter.text, content_type="text/plain; charset=utf-8")
    return as_in_a_mail_program(letter.html)


def templates() -> list[str]:
    """The names of all mails, without the endings of their files."""
    folder = Path(settings.BASE_DIR) / "templates"
    files = folder.glob("*/*mail/*_message.txt")
    names = (str(file.relative_to(folder)).removesuffix("_message.txt") for file in files)
    return sorted(name for name in names if not name.endswith("/base"))


def sample(name: str, scheme: str = "") -> Letter:
    """A mail with made-up content."""
    return write_letter(name, _content(), look=look_in_force(), home_url=_HOME, scheme=scheme)


def _content() -> dict[str, Any]:
    """Whatever any of the templates names."""
    addresses = ("activate", "password_reset", "security", "end")
    return {
        **{f"{name}_url": f"{_HOME}{name}/3f9c/" for name in addresses},
        "url": f"{_HOME}choose/3f9c/",
        "current_site": SimpleNamespace(name="Acme Fiber", domain=_HOME),
        "name": "Dora Diaz",
        "email": "dora@example.com",
        "from_email": "dora@example.com",
        "to_email": "dora@example.net",
        "browser": "Firefox on Linux",
        "ip": "198.51.100.7",
        "timestamp": timezone.now(),
        "heading": "Shop was not deployed",
        "body": "Its health check did not answer within 60 s.",
        "settings_url": f"{_HOME}notifications/settings/",
        "organisation": "Acme Fiber",
        **dict.fromkeys(("erase_after", "erased_at", "backups_until"), timezone.now()),
        "certificate": "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIzZjljIn0.c2lnbmF0dXJl",
        "provider": SimpleNamespace(name="Office"),
        "has_password": False,  # nosec B105
    }
