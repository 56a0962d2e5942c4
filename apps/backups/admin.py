"""The page “Backups” of the operator: how they stand, and for who may, where they go."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.db.models import Min
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin

from apps.accounts.access import may, require
from apps.accounts.models import User
from apps.accounts.security.proof import where_to_prove
from apps.backups.former import drop_place
from apps.backups.forms import KitForm, TargetForm
from apps.backups.models import BackupAlarm, BackupRun, BackupTarget, FormerPlace
from apps.backups.permissions import KIT, MANAGE, RUN, VIEW
from apps.backups.places import has_own_database, makes_full_ones_only
from apps.backups.services import ask, newest_success
from apps.backups.targets import (
    TargetWords,
    make_kit,
    needs_kit,
    save_target,
    target_as_it_is,
    try_target,
)
from apps.core.exceptions import DomainError
from apps.events.actors import user_actor
from dotmac.crypto.secret import Secret

_PAGE = "admin:backups_backuptarget_changelist"
_RECENT = 15
_FIELDS = tuple(TargetWords.__dataclass_fields__)
_ASKED = ("full", "differential", "test")


class BackupTargetAdmin(ModelAdmin):  # type: ignore[misc]
    """One page instead of a list of one row."""

    def get_urls(self) -> list[URLPattern]:
        """The page, and its buttons."""
        wrap = self.admin_site.admin_view
        name = "backups_backuptarget"
        return [
            path("try/", wrap(require_POST(self.attempt)), name=f"{name}_try"),
            path("now/", wrap(require_POST(self.now)), name=f"{name}_now"),
            path("left/<int:pk>/", wrap(require_POST(self.emptied)), name=f"{name}_emptied"),
            path("kit/", wrap(never_cache(self.kit)), name=f"{name}_kit"),
            path("", wrap(self.page), name=f"{name}_changelist"),
        ]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who sees what became of backups."""
        return may(request.user, VIEW)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """There is one, always."""
        return False

    def page(self, request: HttpRequest) -> HttpResponse:
        """How it stands, and the settings for those who may change them."""
        require(request, MANAGE if request.method == "POST" else VIEW)
        row = target_as_it_is()
        known = {name: getattr(row, name) for name in (*_FIELDS, "version")}
        form = TargetForm(request.POST or None, initial=known)
        if request.method == "POST" and form.is_valid() and self._save(request, form):
            messages.success(request, _("Where backups go is saved."))
            return redirect(_PAGE)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Backups"),
            "form": form,
            "target": row,
            "has_database": has_own_database(),
            "is_always_full": makes_full_ones_only(),
            "needs_kit": needs_kit(row),
            "may_run": may(request.user, RUN),
            "may_manage": may(request.user, MANAGE),
            "may_kit": may(request.user, KIT),
            "alarms": BackupAlarm.objects.order_by("pk"),
            "last": newest_success("full", "differential"),
            "test": newest_success("test"),
            "runs": BackupRun.objects.all()[:_RECENT],
            "is_busy": BackupRun.objects.filter(slot=1).exists(),
            "restore_from": _restorable_from(),
            "former": FormerPlace.objects.all(),
        }
        return render(request, "admin/backups/backups.html", context)

    def attempt(self, request: HttpRequest) -> HttpResponse:
        """Write there and read it back, now: the answer is what one wants to see."""
        require(request, MANAGE)
        row = target_as_it_is()
        if not row.address:
            messages.error(request, _("Save where backups go first."))
            return redirect(_PAGE)
        why = try_target(row)
        if why:
            messages.error(request, why)
        else:
            messages.success(request, _("It takes what is written there, and gives it back."))
        return redirect(_PAGE)

    def now(self, request: HttpRequest) -> HttpResponse:
        """A backup or a restore test, by a worker."""
        require(request, RUN)
        kind = request.POST.get("kind", "")
        if kind not in _ASKED:
            messages.error(request, _("Choose what to do."))
            return redirect(_PAGE)
        try:
            ask(kind, actor=user_actor(request.user))
        except DomainError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, _("It is under way. This page tells when it is done."))
        return redirect(_PAGE)

    def emptied(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Somebody deleted by hand what lay at a place of before."""
        require(request, MANAGE)
        drop_place(pk, actor=user_actor(request.user))
        messages.success(request, _("Nothing is looked for there any more."))
        return redirect(_PAGE)

    def kit(self, request: HttpRequest) -> HttpResponse:
        """The kit as a file behind a passphrase, or as a sheet to print, this once."""
        require(request, KIT)
        user = request.user
        # It opens everything there is: a session that was left open is not enough.
        if isinstance(user, User) and (address := where_to_prove(request, user)):
            return HttpResponseRedirect(address)
        form = KitForm(request.POST or None)
        if request.method == "POST" and "sheet" in request.POST:
            return self._sheet(request)
        if request.method == "POST" and form.is_valid():
            return self._file(request, Secret(form.cleaned_data["passphrase"]))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Recovery kit"),
            "form": form,
            "target": target_as_it_is(),
        }
        return render(request, "admin/backups/kit.html", context)

    def _file(self, request: HttpRequest, passphrase: Secret) -> HttpResponse:
        try:
            kit = make_kit(target_as_it_is(), actor=user_actor(request.user))
        except DomainError as error:
            messages.error(request, error.message)
            return redirect(_PAGE)
        answer = HttpResponse(kit.sealed(passphrase), content_type="text/plain; charset=utf-8")
        answer["Content-Disposition"] = 'attachment; filename="dotmac-recovery-kit.txt"'
        return answer

    def _sheet(self, request: HttpRequest) -> HttpResponse:
        try:
            kit = make_kit(target_as_it_is(), actor=user_actor(request.user))
        except DomainError as error:
            messages.error(request, error.message)
            return redirect(_PAGE)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Recovery kit"),
            "page": kit.page(),
            "rows": kit.in_clear(),
        }
        return render(request, "admin/backups/sheet.html", context)

    @staticmethod
    def _save(request: HttpRequest, form: TargetForm) -> bool:
        values = dict(form.cleaned_data)
        secret, version = values.pop("secret"), values.pop("version")
        try:
            save_target(
                TargetWords(**values),
                secret=Secret(secret) if secret else None,
                version=version,
                actor=user_actor(request.user),
            )
        except DomainError as error:
            form.add_error(error.field or None, error.message)
            return False
        return True


def register(site: AdminSite, kind: str) -> None:
    """At the operator, where the app is."""
    site.register(BackupTarget, BackupTargetAdmin)


def _restorable_from() -> Any:
    """The oldest backup that is still kept, as far as the rows say; the repository knows best."""
    target = target_as_it_is()
    if target.on_since is None:
        return None
    done = BackupRun.objects.filter(status="done", kind__in=("full", "differential"))
    done = done.filter(finished_at__gte=target.on_since)
    newest = done.order_by("-finished_at").values_list("finished_at", flat=True).first()
    if newest is None:
        return None
    from_then = newest - timedelta(days=target.keep_daily)
    return done.filter(finished_at__gt=from_then).aggregate(first=Min("finished_at"))["first"]
