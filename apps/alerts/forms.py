"""The shape of what is entered about an alert channel."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from apps.alerts.channels import check_address, checked_secret
from apps.alerts.models import AlertChannel
from apps.core.exceptions import DomainError
from dotmac.crypto.secret import Secret

_HIDDEN = {"autocomplete": "off", "spellcheck": "false"}


class ChannelForm(forms.ModelForm):  # type: ignore[type-arg]
    """A channel as an owner enters it; what is secret is never filled in again."""

    new_address = forms.CharField(
        label=_("Address"),
        max_length=500,
        widget=UnfoldAdminTextInputWidget(attrs=_HIDDEN),
        help_text=_(
            "The whole address, as https://hooks.slack.com/services/… or https://ntfy.sh/topic."
            " Kept encrypted and never shown again."
        ),
    )
    new_secret = forms.CharField(
        label=_("Secret"),
        max_length=300,
        required=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=_(
            "What signs a webhook (empty: one is made), or the token of a protected ntfy topic."
            " Kept encrypted and never shown again."
        ),
    )

    class Meta:
        model = AlertChannel
        fields = ["name", "kind", "severity", "is_on"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "new_address" in self.fields:
            field = self.fields["new_address"]
            field.required = False
            field.help_text = _("Empty leaves the present one, which is kept encrypted.")
            self.fields["new_secret"].help_text = _("Empty leaves the present one.")

    def clean(self) -> dict[str, Any]:
        """An address that may be sent to, and a secret that its kind can use."""
        values: dict[str, Any] = super().clean() or {}
        kind = self.instance.kind if self.instance.pk else values.get("kind", "")
        try:
            if address := self.secret_in("new_address"):
                check_address(address)
            if secret := self.secret_in("new_secret"):
                checked_secret(kind, secret)
        except DomainError as error:
            self.add_error(f"new_{error.field}", error.message)
        return values

    def secret_in(self, name: str) -> Secret | None:
        """What was entered in a field, if anything was."""
        text = self.cleaned_data.get(name, "").strip()
        return Secret(text) if text else None
