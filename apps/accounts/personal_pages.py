"""One page for every kind of person: their data as a file, and erasing them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from apps.accounts.personal import Line
from apps.core.exceptions import DomainError
from apps.events import services as events
from apps.events.actors import user_actor

ERASE = "people.erase"


@dataclass(frozen=True)
class PersonalPage:
    """Whose page it is, and what its buttons do."""

    title: str
    # What is typed before anything is erased.
    confirm: str
    lines: list[Line]
    erase: Callable[[], None]
    file_url: str
    back_url: str
    done_url: str


class ErasureForm(forms.Form):
    """What names the person, typed."""

    confirm = forms.CharField(
        max_length=254, widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    )

    def __init__(self, wanted: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.wanted = wanted
        self.fields["confirm"].label = _("Type %(what)s to go on") % {"what": wanted}

    def clean_confirm(self) -> str:
        """Typed as it is."""
        typed: str = self.cleaned_data["confirm"].strip()
        if typed.lower() != self.wanted.lower():
            raise forms.ValidationError(_("This is somebody else."))
        return typed


def personal_page(site: AdminSite, request: HttpRequest, page: PersonalPage) -> HttpResponse:
    """What an erasure would do, and by POST it is done."""
    form = ErasureForm(page.confirm, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            page.erase()
        except DomainError as error:
            messages.error(request, error.message)
            return redirect(request.path)
        messages.success(request, _("The person is erased."))
        return redirect(page.done_url)
    context = {
        **site.each_context(request),
        "title": _("Personal data"),
        "page": page,
        "form": form,
    }
    return render(request, "accounts/personal.html", context)


def as_file(request: HttpRequest, data: dict[str, Any], *, subject: Model) -> HttpResponse:
    """The file, with the event that tells who took it."""
    with transaction.atomic():
        events.record("person.exported", actor=user_actor(request.user), subject=subject)
    text = json.dumps(data, indent=2, ensure_ascii=False)
    answer = HttpResponse(text, content_type="application/json")
    name = f"personal-data-{subject.uuid}.json"  # type: ignore[attr-defined]
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
