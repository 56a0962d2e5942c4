"""The page on which it is set up where certificates come from."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin

from apps.certificates import environment
from apps.certificates.accounts import (
    AccountSecrets,
    AccountWords,
    account_as_it_is,
    save_account,
)
from apps.certificates.forms import AccountForm, known
from apps.certificates.trying import Check, check_authority, check_dns
from apps.core.exceptions import DomainError
from apps.events.actors import user_actor

_PAGE = "admin:certificates_acmeaccount_changelist"


class AcmeAccountAdmin(ModelAdmin):  # type: ignore[misc]
    """One page instead of a list of one row; who holds the DNS holds everything."""

    def get_urls(self) -> list[URLPattern]:
        """The page, and its button."""
        wrap = self.admin_site.admin_view
        check = wrap(require_POST(self.check_now))
        return [
            path("check/", check, name="certificates_acmeaccount_check"),
            path("", wrap(self.page), name="certificates_acmeaccount_changelist"),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """There is one, always."""
        return False

    def page(self, request: HttpRequest) -> HttpResponse:
        """The settings."""
        self._ask(request)
        form = AccountForm(request.POST or None, initial=known(account_as_it_is()))
        if request.method == "POST" and form.is_valid() and self._save(request, form):
            messages.success(request, _("It is saved. Check now whether it works."))
            return redirect(_PAGE)
        return self._page(request, form)

    def check_now(self, request: HttpRequest) -> HttpResponse:
        """The page with what authority and DNS answer now."""
        self._ask(request)
        account = account_as_it_is()
        if not account.key:
            messages.error(request, _("Save it first."))
            return redirect(_PAGE)
        checks = [*check_authority(account), *check_dns(account)]
        return self._page(request, AccountForm(initial=known(account_as_it_is())), checks)

    def _page(
        self, request: HttpRequest, form: AccountForm, checks: list[Check] | None = None
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("Certificate authority"),
            "form": form,
            "account": account_as_it_is(),
            "checks": checks,
            "is_from_environment": environment.is_set(),
        }
        return render(request, "admin/certificates/account.html", context)

    def _ask(self, request: HttpRequest) -> None:
        if not self.has_change_permission(request):
            raise PermissionDenied

    @staticmethod
    def _save(request: HttpRequest, form: AccountForm) -> bool:
        values = dict(form.cleaned_data)
        version = values.pop("version")
        for name in ("binding_key", "dns_secret"):
            values.pop(name)
        secrets = AccountSecrets(form.secret_in("binding_key"), form.secret_in("dns_secret"))
        try:
            save_account(
                AccountWords(**values), secrets, version=version, actor=user_actor(request.user)
            )
        except DomainError as error:
            form.add_error(error.field or None, error.message)
            return False
        return True
