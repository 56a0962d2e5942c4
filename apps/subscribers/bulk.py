"""Suspending and resuming many services from a list, after a page that asks."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.decorators import action

from apps.accounts.access import may
from apps.core.exceptions import DomainError
from apps.core.languages import grouped
from apps.events.actors import user_actor
from apps.subscribers import services
from apps.subscribers.forms import SuspendForm
from apps.subscribers.models import Service

Step = Callable[..., object]
SERVICE_STEPS: dict[str, Step] = {
    "activate": services.activate_service,
    "order": services.schedule_installation,
    "suspend": services.suspend_service,
    "resume": services.resume_service,
    "terminate": services.terminate_service,
}
# Steps that ask for more than changing.
_ASKED = {
    "suspend": "subscribers.suspend",
    "resume": "subscribers.suspend",
    "terminate": "subscribers.end",
    "archive": "subscribers.end",
}
# More at once would keep the person waiting for a page.
_MOST = 500


def asked_by(step: str) -> str:
    """The permission that a step of a person or a service asks for."""
    return _ASKED.get(step, "subscribers.change")


class BulkSteps(ModelAdmin):  # type: ignore[misc]
    """Suspending and resuming the services of many rows, after a page that asks."""

    actions = ["suspend", "resume"]

    @action(description=_("Suspend services"), permissions=["suspend"])  # type: ignore[untyped-decorator]
    def suspend(self, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse | None:
        """Switch off what is active."""
        return self._ask_or_do(request, rows, "suspend", Service.Status.ACTIVE)

    @action(description=_("Resume services"), permissions=["suspend"])  # type: ignore[untyped-decorator]
    def resume(self, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse | None:
        """Switch on again what is suspended."""
        return self._ask_or_do(request, rows, "resume", Service.Status.SUSPENDED)

    def has_suspend_permission(self, request: HttpRequest) -> bool:
        """Who may suspend and resume services."""
        return may(request.user, "subscribers.suspend")

    def services_of(self, rows: QuerySet[Any]) -> QuerySet[Service]:
        """The services that the chosen rows stand for."""
        raise NotImplementedError

    def _ask_or_do(
        self, request: HttpRequest, rows: QuerySet[Any], what: str, status: str
    ) -> HttpResponse | None:
        found = self.services_of(rows).filter(status=status)
        count = found.count()
        if not 0 < count <= _MOST:
            messages.warning(request, _refusal(count))
            return None
        form = SuspendForm(request.POST if "confirmed" in request.POST else None)
        chosen = list(found.select_related("subscriber", "plan_version__plan"))
        if "confirmed" in request.POST and (what == "resume" or form.is_valid()):
            extra = {"reason": form.cleaned_data["reason"]} if what == "suspend" else {}
            self._do(request, chosen, what, extra)
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": _("Suspend services") if what == "suspend" else _("Resume services"),
            "what": what,
            "chosen": chosen,
            "form": form if what == "suspend" else None,
            "selected": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "select_across": request.POST.get("select_across", "0"),
        }
        return render(request, "subscribers/confirm.html", context)

    @staticmethod
    def _do(request: HttpRequest, chosen: list[Service], what: str, extra: dict[str, str]) -> None:
        done = 0
        for service in chosen:
            try:
                SERVICE_STEPS[what](service, actor=user_actor(request.user), **extra)
            except DomainError as error:
                messages.warning(request, error.message)
            else:
                done += 1
        words = {
            "suspend": ngettext("%d service suspended.", "%d services suspended.", done),
            "resume": ngettext("%d service resumed.", "%d services resumed.", done),
        }
        messages.success(request, words[what] % done)


def _refusal(count: int) -> str:
    if count:
        return str(_("At most {most} services at once; {count} are chosen.")).format(
            most=_MOST, count=grouped(count)
        )
    return str(_("None of the chosen ones is in the status for this."))
