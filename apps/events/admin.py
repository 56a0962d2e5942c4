"""The audit trail in the admin: read, searched, exported, proven, and a person erased from it."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import FieldTextFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from apps.core.csvs import csv_answer
from apps.core.exceptions import DomainError
from apps.core.languages import grouped
from apps.events.acceptance_pages import AcceptanceForm, accept, may_accept
from apps.events.actors import user_actor
from apps.events.changes import changes_of
from apps.events.erasing import CONFIRMATION, Found, erase_person, preview_erasure
from apps.events.exporting import FORMS, in_order, is_long, tell_exported
from apps.events.filters import DaysFilter, SubjectFilter, TypeFilter
from apps.events.models import Event
from apps.events.permissions import ERASE
from apps.events.verifications import (
    cause_of,
    findings_of,
    newest_verification,
    start_verification,
)


class ErasureForm(forms.Form):
    """Whom to take out of the log."""

    words = forms.CharField(
        label=_("Ids, e-mail addresses, full names"),
        help_text=_("One on each line; an event is emptied where a whole value is one of them."),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
    )
    confirm = forms.CharField(
        label=_("Type ERASE to go on"),
        help_text=_("It cannot be undone."),
        max_length=20,
        required=False,
    )

    @property
    def is_confirmed(self) -> bool:
        """Whether the word is there, exactly."""
        return bool(self.cleaned_data["confirm"].strip() == CONFIRMATION)


class EventAdmin(ModelAdmin):  # type: ignore[misc]
    """Who did what, to what, when and from where."""

    list_display = ("at", "type", "shown_subject", "shown_actor", "shown_ip")
    more_columns = ("subject_type", "seal_no")
    opens_beside = True
    beside_template = "events/changes.html"
    list_filter = (
        ("at", DaysFilter),
        TypeFilter,
        ("actor_label", FieldTextFilter),
        SubjectFilter,
    )
    list_filter_submit = True
    list_before_template = "events/tools.html"
    change_form_after_template = "events/changes.html"
    show_full_result_count = False
    search_fields = ("type", "subject_label", "actor_label", "subject_id", "actor_id", "ip")
    fields = (
        "at",
        "type",
        "shown_actor",
        "shown_ip",
        "subject_type",
        "shown_subject",
        "subject_id",
        "seal_no",
        "uuid",
    )
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Events are written by what happens."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes them."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody removes them."""
        return False

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Its own files have every column; two exports beside each other help nobody."""
        return False

    @display(description=_("actor"))  # type: ignore[untyped-decorator]
    def shown_actor(self, event: Event) -> str:
        """Who did it, unless they are erased."""
        return str(_("erased")) if event.actor_erased_by else event.actor_label

    @display(description=_("subject"))  # type: ignore[untyped-decorator]
    def shown_subject(self, event: Event) -> str:
        """What it was about, unless it is erased."""
        return str(_("erased")) if event.erased_by else event.subject_label

    @display(description=_("IP"))  # type: ignore[untyped-decorator]
    def shown_ip(self, event: Event) -> str:
        """From where they asked; a heading in the field's own spelling."""
        return event.ip

    def beside_context(self, request: HttpRequest, event: Event) -> dict[str, Any]:
        """What was before and after."""
        return {"changes": changes_of(event)}

    def get_urls(self) -> list[URLPattern]:
        """Files, the proof and the erasure, before the admin's own pages."""
        wrap = self.admin_site.admin_view
        return [
            path("export.csv", wrap(self.export_csv), name="events_export_csv"),
            path("export.jsonl", wrap(self.export_lines), name="events_export_lines"),
            path("verify/", wrap(self.verify_page), name="events_verify"),
            path("erase/", wrap(self.erase_page), name="events_erase"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """With what can be done beside the list."""
        more = {"may_erase": request.user.has_perm(ERASE), "query": request.GET.urlencode()}
        return super().changelist_view(request, {**(extra_context or {}), **more})  # type: ignore[no-any-return]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """With what was before and after."""
        event = self.get_object(request, unquote(object_id))
        more = self.beside_context(request, event) if event else {}
        context = {**(extra_context or {}), **more}
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return]

    def export_csv(self, request: HttpRequest) -> HttpResponseBase:
        """The events that the list's filters leave, for people."""
        return self._exported(request, "csv")

    def export_lines(self, request: HttpRequest) -> HttpResponseBase:
        """The same for programs."""
        return self._exported(request, "jsonl")

    def verify_page(self, request: HttpRequest) -> HttpResponse:
        """Have the log proven when asked to, and show how far it is and what was found."""
        self._require_view(request)
        form = None
        if may_accept(request):
            form = AcceptanceForm(request.POST if "accept" in request.POST else None)
        if form is not None and form.is_bound:
            if form.is_valid() and accept(request, form):
                return redirect("admin:events_verify")
        elif request.method == "POST":
            try:
                start_verification(actor=user_actor(request.user))
            except DomainError as error:
                messages.warning(request, error.message)
            return redirect("admin:events_verify")
        newest = newest_verification()
        own = {
            "title": _("Verify the event log"),
            "verification": newest,
            "cause": cause_of(newest) if newest else "",
            "findings": list(findings_of(newest)),
            "form": form,
        }
        return self._page(request, "events/verify.html", own)

    def erase_page(self, request: HttpRequest) -> HttpResponse:
        """Take a person out of the log."""
        if not request.user.has_perm(ERASE):
            raise PermissionDenied
        form = ErasureForm(request.POST or None, initial={"words": request.GET.get("words", "")})
        found: list[Found] | None = None
        if request.method == "POST" and form.is_valid():
            words = form.cleaned_data["words"].splitlines()
            try:
                if "erase" in request.POST and form.is_confirmed:
                    return self._erase(request, words)
                found = preview_erasure(words)
            except DomainError as error:
                form.add_error(error.field or None, error.message)
            if "erase" in request.POST and not form.is_confirmed:
                form.add_error("confirm", _("Type ERASE, in capitals."))
        own = {"title": _("Erase a person from the event log"), "form": form, "found": found}
        return self._page(request, "events/erase.html", own)

    @staticmethod
    def _erase(request: HttpRequest, words: list[str]) -> HttpResponse:
        erasure = erase_person(words, actor=user_actor(request.user))
        text = ngettext(
            "Erased from %(count)s event. The log stays proven.",
            "Erased from %(count)s events. The log stays proven.",
            erasure.events,
        )
        messages.success(request, text % {"count": grouped(erasure.events)})
        return redirect("admin:events_event_changelist")

    def _exported(self, request: HttpRequest, name: str) -> HttpResponseBase:
        """The file, with an event of who took what along; a long one is asked for first."""
        self._require_view(request)
        form, chosen, counted = FORMS[name], self.chosen(request), list[int]()
        if is_long(chosen):
            return redirect(f"{reverse('admin:record_export')}?{request.GET.urlencode()}")
        answer = csv_answer(
            lambda file: counted.append(form.write(in_order(chosen), file)),
            form.file,
            form.content_type,
        )
        tell_exported(counted[0], form, request.GET, actor=user_actor(request.user))
        return answer

    def chosen(self, request: HttpRequest) -> QuerySet[Event]:
        """What the list would show for the same address."""
        try:
            found: QuerySet[Event] = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:
            found = Event.objects.none()
        return found

    def _require_view(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def _page(self, request: HttpRequest, template: str, own: dict[str, Any]) -> HttpResponse:
        around = {**self.admin_site.each_context(request), "opts": self.opts}
        return render(request, template, {**around, **own})


def register(site: AdminSite, kind: str) -> None:
    """In every kind."""
    site.register(Event, EventAdmin)
