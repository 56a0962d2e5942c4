"""The page on which an owner demands second factors, and sees who has one."""

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin

from apps.accounts.access import require
from apps.accounts.models import User
from apps.accounts.security.factors import remove_factors
from apps.accounts.security.methods import holds_second_factor, methods_of
from apps.accounts.security.models import SignInPolicy
from apps.accounts.security.people import people_with_factors, write_people
from apps.accounts.security.policy import LONGEST_GRACE, policy_in_force, set_policy
from apps.core.exceptions import DomainError
from apps.events.actors import Actor, user_actor


class PolicyForm(forms.Form):
    """What is demanded of whom, and from when on."""

    who = forms.ChoiceField(
        label=gettext_lazy("Who must sign in with a second factor"),
        choices=SignInPolicy.Who.choices,
    )
    grace_days = forms.IntegerField(
        label=gettext_lazy("Days of grace"),
        help_text=gettext_lazy(
            "So long they still get in without, counted from now or from when they joined."
            " 0 demands it at once."
        ),
        min_value=0,
        max_value=LONGEST_GRACE,
    )


class SignInPolicyAdmin(ModelAdmin):  # type: ignore[misc]
    """Sign-in security: one page instead of a list of one row."""

    def get_urls(self) -> list[URLPattern]:
        """The page, its file, and taking factors from somebody who lost them."""
        wrap = self.admin_site.admin_view
        return [
            path("people.csv", wrap(self.people), name="accounts_security_people"),
            path(
                "people/<int:pk>/reset/",
                wrap(require_POST(self.reset)),
                name="accounts_security_reset",
            ),
            path("", wrap(self.page), name="accounts_signinpolicy_changelist"),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """There is one, always."""
        return False

    def page(self, request: HttpRequest) -> HttpResponse:
        """The policy, and people with what they have."""
        actor, policy = _actor(request), policy_in_force()
        known = {"who": policy.who, "grace_days": policy.grace_days}
        form = PolicyForm(request.POST or None, initial=known)
        if request.method == "POST" and form.is_valid():
            try:
                set_policy(**form.cleaned_data, actor=actor, methods=methods_of(request))
            except DomainError as error:
                form.add_error(error.field or None, error.message)
            else:
                messages.success(request, _("The policy is saved."))
                return redirect("admin:accounts_signinpolicy_changelist")
        context = {
            **self.admin_site.each_context(request),
            "title": _("Sign-in security"),
            "form": form,
            "people": list(people_with_factors(policy)),
            "has_own_factor": holds_second_factor(methods_of(request)),
        }
        return render(request, "admin/accounts/security.html", context)

    def people(self, request: HttpRequest) -> HttpResponse:
        """People and their factors as a file."""
        _actor(request)
        response = HttpResponse(content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="second-factors.csv"'
        write_people(response, policy_in_force())  # type: ignore[arg-type]
        return response

    def reset(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take all factors from somebody, so that they set up new ones."""
        actor, user = _actor(request), get_object_or_404(User, pk=pk)
        try:
            remove_factors(user, actor=actor)
        except DomainError as error:
            messages.error(request, error.message)
        else:
            text = _("%(name)s has no second factor any more, and is signed out everywhere.")
            messages.success(request, text % {"name": user})
        return redirect("admin:accounts_signinpolicy_changelist")


def register(site: AdminSite) -> None:
    """In every kind."""
    site.register(SignInPolicy, SignInPolicyAdmin)


def _actor(request: HttpRequest) -> Actor:
    """The owner who asks, since no role holds the right; 403 for everybody else."""
    require(request, "accounts.change_signinpolicy")
    if not isinstance(request.user, User):
        raise PermissionDenied
    return user_actor(request.user)
