"""The page on which an owner sets the SMS gateway up."""

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

from apps.accounts.models import User
from apps.core.exceptions import DomainError
from apps.events.actors import user_actor
from apps.notifications.gateways import Gateway, gateway_as_it_is, number_of, save_gateway
from apps.notifications.models import SmsGateway
from apps.notifications.services import send_test_sms
from dotmac.crypto.secret import Secret

_PAGE = "admin:notifications_smsgateway_changelist"
_FIELDS = ("url", "method", "format", "body", "is_on", "version")


class GatewayForm(forms.Form):
    """A provider's HTTP API."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    url = forms.URLField(label=gettext_lazy("Address"), max_length=300, assume_scheme="https")
    method = forms.ChoiceField(label=gettext_lazy("Method"), choices=SmsGateway.Method.choices)
    format = forms.ChoiceField(label=gettext_lazy("Body is"), choices=SmsGateway.Format.choices)
    body = forms.CharField(
        label=gettext_lazy("Body"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false"}),
        help_text=gettext_lazy(
            "With {to} for the number and {text} for the message. JSON as"
            ' {"to": "{to}", "body": "{text}"}, a form as lines of name=value.'
        ),
    )
    headers = forms.CharField(
        label=gettext_lazy("Headers"),
        max_length=4000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy(
            "One a line, as “Authorization: Bearer …”. Kept encrypted and never shown again."
            " Empty leaves the present ones."
        ),
    )
    is_on = forms.BooleanField(label=gettext_lazy("Send text messages"), required=False)


class SmsGatewayAdmin(ModelAdmin):  # type: ignore[misc]
    """One page instead of a list of one row."""

    def get_urls(self) -> list[URLPattern]:
        """The page, and its button."""
        wrap = self.admin_site.admin_view
        return [
            path("test/", wrap(require_POST(self.test)), name="notifications_smsgateway_test"),
            path("", wrap(self.page), name="notifications_smsgateway_changelist"),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """There is one, always."""
        return False

    def page(self, request: HttpRequest) -> HttpResponse:
        """The settings."""
        user, row = self._person(request), gateway_as_it_is()
        known = {name: getattr(row, name) for name in _FIELDS}
        form = GatewayForm(request.POST or None, initial=known)
        if request.method == "POST" and form.is_valid() and self._save(form, user):
            messages.success(request, _("The SMS gateway is saved."))
            return redirect(_PAGE)
        context = {
            **self.admin_site.each_context(request),
            "title": _("SMS gateway"),
            "form": form,
            "is_on": row.is_on,
            "has_headers": bool(row.headers),
            "own_number": number_of(user),
        }
        return render(request, "admin/notifications/sms.html", context)

    def test(self, request: HttpRequest) -> HttpResponse:
        """A message to oneself; a worker sends it."""
        user = self._person(request)
        try:
            send_test_sms(user)
        except DomainError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, _("The test is on its way. The deliveries say how it went."))
        return redirect(_PAGE)

    def _person(self, request: HttpRequest) -> User:
        if not isinstance(request.user, User) or not self.has_change_permission(request):
            raise PermissionDenied
        return request.user

    @staticmethod
    def _save(form: GatewayForm, user: User) -> bool:
        values = dict(form.cleaned_data)
        headers, version = values.pop("headers"), values.pop("version")
        try:
            save_gateway(
                Gateway(**values),
                headers=Secret(headers) if headers else None,
                version=version,
                actor=user_actor(user),
            )
        except DomainError as error:
            form.add_error(error.field or None, error.message)
            return False
        return True
