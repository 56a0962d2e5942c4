"""The page on which a level gets its own sender."""

from smtplib import SMTPException

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin

from apps.branding.domain_state import checks_of, domain_state, look_at_domain, mail_domain
from apps.branding.mail import compose
from apps.branding.models import Sender
from apps.branding.quota import quota_today
from apps.branding.senders import SenderWords, own_sender, save_sender, sender_as_it_is
from apps.core.exceptions import DomainError
from apps.core.mailbox import has_server
from apps.events.actors import user_actor
from dotmac.crypto.secret import Secret

_PAGE = "admin:branding_sender_changelist"
_FIELDS = (
    *("address", "dkim_selector", "sending_addresses"),
    *("host", "port", "security", "username", "is_on", "version"),
)


class SenderForm(forms.Form):
    """A sender as its owner enters it."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    address = forms.EmailField(
        label=gettext_lazy("Mails are from"),
        required=False,
        help_text=gettext_lazy("An address at your own domain, as no-reply@hilltop.example."),
    )
    dkim_selector = forms.RegexField(
        label=gettext_lazy("DKIM selector"),
        regex=r"^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\Z",
        max_length=60,
        required=False,
        help_text=gettext_lazy("The name of the key that your mail server signs with."),
    )
    sending_addresses = forms.CharField(
        label=gettext_lazy("Addresses that send"),
        max_length=500,
        required=False,
        help_text=gettext_lazy(
            "The IP addresses from which your mail server sends, divided by commas: SPF is then"
            " checked for each of them."
        ),
    )
    host = forms.RegexField(
        label=gettext_lazy("Mail server"),
        regex=r"^(?!-)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\Z",
        max_length=200,
        required=False,
    )
    port = forms.IntegerField(label=gettext_lazy("Port"), min_value=1, max_value=65535)
    security = forms.ChoiceField(label=gettext_lazy("Encryption"), choices=Sender.Security.choices)
    username = forms.CharField(
        label=gettext_lazy("User name"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        max_length=500,
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy(
            "Kept encrypted and never shown again. Empty leaves the present one, unless server or"
            " user name changes."
        ),
    )
    is_on = forms.BooleanField(label=gettext_lazy("Send by this server"), required=False)


class SenderAdmin(ModelAdmin):  # type: ignore[misc]
    """One page instead of a list of one row."""

    def get_urls(self) -> list[URLPattern]:
        """The page, and its buttons."""
        wrap = self.admin_site.admin_view
        return [
            path("test/", wrap(require_POST(self.test)), name="branding_sender_test"),
            path("domain/", wrap(require_POST(self.domain)), name="branding_sender_domain"),
            path("", wrap(self.page), name="branding_sender_changelist"),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """There is one, always."""
        return False

    def page(self, request: HttpRequest) -> HttpResponse:
        """The settings."""
        self._check(request)
        known = {name: getattr(sender_as_it_is(), name) for name in _FIELDS}
        form = SenderForm(request.POST or None, initial=known)
        if request.method == "POST" and form.is_valid() and self._save(request, form):
            messages.success(request, _("The sender is saved."))
            return redirect(_PAGE)
        return self._page(request, form)

    def domain(self, request: HttpRequest) -> HttpResponse:
        """Ask the DNS now, and keep what it says."""
        self._check(request)
        domain = mail_domain()
        if domain:
            look_at_domain(domain)()
        return redirect(_PAGE)

    def test(self, request: HttpRequest) -> HttpResponse:
        """A mail to oneself, now: the answer of the server is what one wants to see."""
        self._check(request)
        if own_sender() is None:
            messages.error(request, _("Switch it on first."))
            return redirect(_PAGE)
        email, home = str(getattr(request.user, "email", "")), request.build_absolute_uri("/")
        message = compose("branding/mail/test", {"url": home}, to=[email], home_url=home)
        try:
            message.send()
        except (OSError, SMTPException) as error:
            text = _("Your mail server did not take it: %(why)s")
            messages.error(request, text % {"why": _reason(error)})
        else:
            messages.success(request, _("Your mail server took a mail to %s.") % email)
        return redirect(_PAGE)

    def _page(self, request: HttpRequest, form: SenderForm) -> HttpResponse:
        sender, domain, state = sender_as_it_is(), mail_domain(), domain_state()
        context = {
            **self.admin_site.each_context(request),
            "title": _("Sender"),
            "form": form,
            "sender": sender,
            "has_password": bool(sender.password),
            "domain": domain.domain if domain else "",
            "state": state,
            "checks": checks_of(state) if state else [],
            "quota": quota_today(),
            "has_server": has_server() or sender.is_on,
        }
        return render(request, "admin/branding/sender.html", context)

    def _check(self, request: HttpRequest) -> None:
        if not self.has_change_permission(request):
            raise PermissionDenied

    @staticmethod
    def _save(request: HttpRequest, form: SenderForm) -> bool:
        values = dict(form.cleaned_data)
        password, version = values.pop("password"), values.pop("version")
        try:
            save_sender(
                SenderWords(**values),
                password=Secret(password) if password else None,
                version=version,
                actor=user_actor(request.user),
            )
        except DomainError as error:
            form.add_error(error.field or None, error.message)
            return False
        return True


def _reason(error: Exception) -> str:
    """What a server said, without more of it than a line."""
    return f"{type(error).__name__}: {error}".replace("\n", " ")[:200]
