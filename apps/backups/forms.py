"""The shape of what is entered about backups."""

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.backups.models import BackupTarget
from dotmac.backups.kit import LEAST_PASSPHRASE

_HIDDEN = {"autocomplete": "new-password"}


class TargetForm(forms.Form):
    """Where backups go, as an owner enters it; what is secret is never filled in again."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    kind = forms.ChoiceField(label=_("Where to"), choices=BackupTarget.Kind.choices)
    address = forms.CharField(
        label=_("Address"),
        max_length=300,
        help_text=_(
            "https://host/bucket/path, sftp://host/path, or /a/directory on another machine’s disk."
        ),
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
    )
    user = forms.CharField(
        label=_("Access key or user name"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
    )
    secret = forms.CharField(
        label=_("Secret key, password or private key"),
        max_length=8000,
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs=_HIDDEN),
        help_text=_(
            "Kept encrypted and never shown again. Empty leaves the present one, unless the place"
            " changes."
        ),
    )
    region = forms.CharField(label=_("Region"), max_length=60, required=False)
    host_key = forms.CharField(
        label=_("Public key of the SFTP server"),
        max_length=1000,
        required=False,
        help_text=_("As ssh-keyscan prints it: the backup goes to no other machine."),
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
    )
    keep_daily = forms.IntegerField(label=_("Days to keep"), min_value=1, max_value=90)
    keep_weekly = forms.IntegerField(label=_("Weeks to keep"), min_value=1, max_value=104)
    wal_limit_gb = forms.IntegerField(
        label=_("Gigabytes of changes that may wait here"),
        min_value=1,
        max_value=1000,
        help_text=_(
            "While the place is away. Then the oldest are given up, so that the disk lasts."
        ),
    )
    is_on = forms.BooleanField(label=_("Back up to this place"), required=False)


class KitForm(forms.Form):
    """The passphrase that a kit's file is encrypted with, twice."""

    passphrase = forms.CharField(
        label=_("Passphrase"),
        min_length=LEAST_PASSPHRASE,
        max_length=500,
        strip=False,
        widget=forms.PasswordInput(attrs=_HIDDEN),
        help_text=_(
            "Several words are best. Nobody can find it again: keep it apart from the file."
        ),
    )
    again = forms.CharField(
        label=_("Passphrase again"),
        max_length=500,
        strip=False,
        widget=forms.PasswordInput(attrs=_HIDDEN),
    )

    def clean_again(self) -> str:
        """The same."""
        again: str = self.cleaned_data["again"]
        if again != self.cleaned_data.get("passphrase", again):
            raise forms.ValidationError(_("The two are not the same."))
        return again
