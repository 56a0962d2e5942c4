"""The five steps of sign-up."""

from typing import Any
from uuid import uuid4

from allauth.account.adapter import get_adapter
from allauth.account.forms import SignupForm
from django import forms
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.billing.models import PlanVersion
from apps.billing.services import OfferedPlan
from apps.core.exceptions import DomainError
from apps.core.zones import time_zones
from apps.fleet.models import Region
from apps.portal.fields import SearchedChoiceField
from apps.tenants.places import countries, currencies
from apps.tenants.services import checked_name
from apps.tenants.slugs import free_slug

_PROMPT: tuple[str, Any] = ("", _("Choose one"))


class AccountForm(SignupForm):  # type: ignore[misc]
    """Step 1, by allauth: an address that is taken is told by mail, not here."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        password = self.fields.pop("password1")
        password.label = _("Password")
        password.help_text = _("8 characters or more, and none of the usual ones.")
        password.widget.attrs.pop("placeholder", None)
        self.fields["password"] = password
        self.fields["email"].label = _("E-mail")
        self.fields["email"].widget.attrs.pop("placeholder", None)

    def clean_password(self) -> str:
        """A password that is long enough and not a common one."""
        user = User(email=self.cleaned_data.get("email", ""))
        password: str = get_adapter().clean_password(self.cleaned_data["password"], user=user)
        return password


class OrganisationForm(forms.Form):
    """Step 3: the name, and the address, which must be free."""

    name = forms.CharField(label=_("Name"), max_length=500, strip=True)
    slug = forms.CharField(label=_("Address"), max_length=500)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs |= {"autocomplete": "organization", "maxlength": 120}
        self.fields["slug"].widget.attrs |= {
            "autocomplete": "off",
            "autocapitalize": "none",
            "spellcheck": "false",
            "maxlength": 64,
        }

    def clean_name(self) -> str:
        """A name that can be shown."""
        return _or_error(checked_name, self.cleaned_data["name"])

    def clean_slug(self) -> str:
        """An address that nobody has."""
        return _or_error(free_slug, self.cleaned_data["slug"])


class PlaceForm(forms.Form):
    """Step 4: country, currency, time zone and region; the country fills in the next two."""

    country = forms.ChoiceField(label=_("Country"))
    currency = forms.ChoiceField(label=_("Currency"))
    timezone = SearchedChoiceField(label=_("Time zone"))
    region = forms.ChoiceField(label=_("Region"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._offer("country", countries())
        self._offer("currency", currencies())
        self._offer("timezone", time_zones())
        regions = [(r.code, r.name) for r in Region.objects.filter(is_open=True)]
        self._offer("region", regions)
        if len(regions) == 1:
            self.fields["region"].initial = regions[0][0]
        self.fields["country"].widget.attrs |= {
            "autocomplete": "country",
            "hx-get": reverse("signup_place_defaults"),
            "hx-trigger": "change",
            "hx-include": "#id_timezone",
            "hx-target": "#id_currency",
            "hx-swap": "outerHTML",
        }

    def _offer(self, name: str, choices: Any) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [_PROMPT, *choices]


class PlanForm(forms.Form):
    """Step 5. The key makes one organisation of a double click."""

    plan = forms.ChoiceField(label=_("Plan"), error_messages={"required": _("Choose a plan.")})
    idempotency_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def __init__(self, *args: Any, plans: list[OfferedPlan], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["plan"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(plan.key, plan.name) for plan in plans]


class ImportFileForm(forms.Form):
    """A tenant's file."""

    file = forms.FileField(
        label=_("File of a tenant"),
        widget=forms.ClearableFileInput(attrs={"accept": ".dotmac"}),
    )


class ImportSlugForm(forms.Form):
    """Under which address it comes."""

    slug = forms.CharField(
        label=_("Under another address"),
        required=False,
        max_length=30,
        help_text=_("Empty: under its own."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class AdoptForm(PlaceForm):
    """What an imported tenant does not say of itself: whose it is, where, and on which plan."""

    email = forms.EmailField(
        label=_("Owner’s e-mail"),
        help_text=_("Who has no account here gets one, and a mail that says how to come in."),
    )
    name = forms.CharField(label=_("Name"), max_length=500, strip=True)
    plan = forms.ChoiceField(label=_("Plan"))
    field_order = ("email", "name", "plan", "country", "currency", "timezone", "region")

    def __init__(self, *args: Any, plans: list[PlanVersion], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Sign-up fills in the currency of a country meanwhile; here each is chosen.
        self.fields["country"].widget.attrs = {}
        self._offer("plan", [(one.plan.key, one.plan.name) for one in plans])

    def clean_name(self) -> str:
        """A name that can be shown."""
        return _or_error(checked_name, self.cleaned_data["name"])


class AttachForm(forms.Form):
    """Which organisation a workspace is for, by its address."""

    into = forms.CharField(
        label=_("Address of the organisation"),
        max_length=30,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class EraseImportedForm(forms.Form):
    """The address of what was imported, typed."""

    confirm = forms.CharField(
        max_length=30, widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    )

    def __init__(self, *args: Any, slug: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["confirm"].label = _("Type %(what)s to go on") % {"what": slug}


def _or_error(check: Any, text: str) -> str:
    try:
        checked: str = check(text)
    except DomainError as error:
        raise forms.ValidationError(error.message) from error
    return checked
