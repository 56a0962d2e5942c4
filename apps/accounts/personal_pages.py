"""One page for every kind of person: their data as a file, and erasing them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.db.models import Model
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.access import may
from apps.accounts.personal import Line
from apps.accounts.personal_kinds import long_work
from apps.core.exceptions import ConflictError, DomainError, NotFoundError
from apps.events.actors import user_actor

ERASE = "people.erase"


@dataclass(frozen=True)
class PersonalPage:
    """Whose page it is, and what its buttons do."""

    title: str
    # What they are, by the ids of apps.core.personal, and who.
    of: str
    person: Model
    # What is typed before anything is erased.
    confirm: str
    lines: list[Line]
    # Begins an operation.
    erase: Callable[[], Any]
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
    """What an erasure would do, and by POST it begins."""
    form = ErasureForm(page.confirm, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            begun = page.erase()
        except DomainError as error:
            messages.error(request, error.message)
            return redirect(request.path)
        if may(request.user, "operations.view"):
            return redirect("operation", begun.uuid)
        messages.success(request, _("The person is being erased."))
        return redirect(page.done_url)
    export = long_work().progress(page.of, page.person)
    begun = export["operation"]["id"] if export and may(request.user, "operations.view") else ""
    context = {
        **site.each_context(request),
        "title": _("Personal data"),
        "page": page,
        "form": form,
        "export": export,
        "export_url": reverse("operation", args=[begun]) if begun else "",
    }
    return render(request, "accounts/personal.html", context)


def personal_file(
    request: HttpRequest, of: str, person: Model, *, back: str, follow: bool = True
) -> HttpResponseBase:
    """The newest file; by POST another one is written, which is followed on a page of its own.

    Without a file one is led back. Who may follow no operations stays on the page before.
    """
    actor = user_actor(request.user)
    if request.method == "POST":
        return _begin_file(request, of, person, back=back, follow=follow)
    try:
        file = long_work().open_file(of, person, actor=actor)
    except NotFoundError as error:
        messages.warning(request, error.message)
        return redirect(back)
    name = f"personal-data-{person.uuid}.json"  # type: ignore[attr-defined]
    return FileResponse(file, as_attachment=True, filename=name, content_type="application/json")


def _begin_file(
    request: HttpRequest, of: str, person: Model, *, back: str, follow: bool
) -> HttpResponseBase:
    try:
        begun = long_work().export(of, person, actor=user_actor(request.user))
    except ConflictError as error:
        messages.warning(request, error.message)
        return redirect(back)
    if follow and may(request.user, "operations.view"):
        return redirect("operation", begun.uuid)
    if follow:
        messages.success(request, _("The file is being written. Come back in a moment."))
    return redirect(back)
