"""The shape of what is entered about the authority and the DNS."""

from typing import Any

from cryptography import x509
from django import forms
from django.utils.translation import gettext_lazy as _

from apps.certificates.models import AcmeAccount
from dotmac.crypto.secret import Secret
from dotmac.dns import ALGORITHMS

_HIDDEN = {"autocomplete": "new-password"}
# By RFC 5280, 5.3.1.
REASONS = [
    (0, _("No particular reason")),
    (1, _("Its key became known to others")),
    (3, _("What it is for belongs to somebody else now")),
    (4, _("It is replaced by another")),
    (5, _("It is not used any more")),
]


class AccountForm(forms.Form):
    """Authority, account and DNS as an owner enters them; what is secret is never filled in."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    authority = forms.ChoiceField(label=_("Authority"), choices=AcmeAccount.Authority.choices)
    own_directory = forms.URLField(
        label=_("Address of its directory"),
        max_length=300,
        required=False,
        assume_scheme="https",
        help_text=_("Of another authority, as https://ca.example/acme/directory."),
    )
    email = forms.EmailField(
        label=_("E-mail"),
        required=False,
        help_text=_("Where the authority writes to when something is wrong with certificates."),
    )
    accepts_terms = forms.BooleanField(
        label=_("I accept the authority’s terms of service"), required=False
    )
    binding_key_id = forms.CharField(
        label=_("Key id of the account binding"),
        max_length=200,
        required=False,
        help_text=_("Only for authorities that ask for it (EAB); it is in your account there."),
    )
    binding_key = forms.CharField(
        label=_("HMAC key of the account binding"),
        max_length=500,
        required=False,
        widget=forms.PasswordInput(attrs=_HIDDEN),
        help_text=_("Kept encrypted and never shown again. Empty leaves the present one."),
    )
    roots = forms.CharField(
        label=_("Root certificate of an own authority"),
        required=False,
        max_length=50_000,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text=_("In PEM, for an authority inside your network. Empty: the public ones."),
    )
    preferred_chain = forms.CharField(
        label=_("Preferred root"),
        max_length=100,
        required=False,
        help_text=_("Where the authority offers several chains: part of the root’s name."),
    )
    dns_kind = forms.ChoiceField(
        label=_("DNS server of your domains"),
        choices=AcmeAccount.DnsKind.choices,
        required=False,
        help_text=_("Needed for wildcards, by which new ISPs have HTTPS at once."),
    )
    dns_server = forms.CharField(
        label=_("Server"),
        max_length=300,
        required=False,
        help_text=_("Host, or host:port; of PowerDNS the API, as https://dns.example:8081."),
    )
    dns_key_name = forms.CharField(
        label=_("Name of the key"),
        max_length=200,
        required=False,
        help_text=_("Of dynamic updates: as in the server’s configuration."),
    )
    dns_algorithm = forms.ChoiceField(
        label=_("Algorithm of the key"),
        choices=[(one, one) for one in ALGORITHMS],
        required=False,
    )
    dns_secret = forms.CharField(
        label=_("Secret of the key, or API key"),
        max_length=500,
        required=False,
        widget=forms.PasswordInput(attrs=_HIDDEN),
        help_text=_("Kept encrypted. Empty leaves the present one, unless the server changes."),
    )
    dns_nameservers = forms.CharField(
        label=_("Servers that are asked"),
        max_length=300,
        required=False,
        help_text=_("Who must have a record before it counts. Empty: those of the zone."),
    )
    is_on = forms.BooleanField(label=_("Obtain certificates"), required=False)

    def clean_roots(self) -> str:
        """One or several certificates in PEM."""
        text = str(self.cleaned_data["roots"]).strip()
        if not is_pem(text):
            raise forms.ValidationError(_("This is no certificate in PEM."))
        return text

    def clean_dns_algorithm(self) -> str:
        """The first where it was not asked for."""
        return str(self.cleaned_data["dns_algorithm"] or "hmac-sha256")

    def secret_in(self, name: str) -> Secret | None:
        """What was entered in a field, if anything was."""
        text = str(self.cleaned_data.get(name) or "").strip()
        return Secret(text) if text else None


def is_pem(text: str) -> bool:
    """Whether a text is one or several certificates in PEM, or empty."""
    try:
        return not text or bool(x509.load_pem_x509_certificates(text.encode()))
    except ValueError:
        return False


def known(account: AcmeAccount) -> dict[str, Any]:
    """What the form shows of an account."""
    names = [name for name in AccountForm.base_fields if hasattr(account, name)]
    hidden = ("binding_key", "dns_secret")
    shown = {name: getattr(account, name) for name in names if name not in hidden}
    return {**shown, "accepts_terms": account.terms_accepted_at is not None}


class RevokeForm(forms.Form):
    """Why a certificate is revoked, by the reasons of RFC 5280 that authorities take."""

    reason = forms.TypedChoiceField(
        label=_("Reason"),
        coerce=int,
        choices=REASONS,
    )
