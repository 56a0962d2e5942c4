"""What people may type about plans."""

from dataclasses import replace
from typing import Any

from django import forms
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from apps.billing.constants import DEDICATED, SHARED
from apps.billing.models import Plan, PlanVersion
from apps.billing.money import is_currency, major_amount, minor_digits
from apps.billing.services import Terms

_KBPS = 1000


class PlanForm(forms.ModelForm):
    """How a plan is shown; its key is made of its name when it is left out."""

    class Meta:
        model = Plan
        fields = ["name", "key", "description", "included", "is_offered", "position"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "key" in self.fields:
            self.fields["key"].required = False

    def clean_key(self) -> str:
        """Taken from the name if empty."""
        key = self.cleaned_data["key"] or slugify(self.cleaned_data.get("name", ""))[:40]
        if Plan.objects.filter(key=key).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("There is a plan with this key. Choose another one."))
        return str(key)


class TermsForm(forms.Form):
    """Price and entitlements of a new version, in the units that people think in."""

    currency = forms.CharField(
        label=_("Currency"), min_length=3, max_length=3, widget=UnfoldAdminTextInputWidget
    )
    price = forms.DecimalField(
        label=_("Price"), min_value=0, max_digits=16, widget=UnfoldAdminDecimalFieldWidget
    )
    period = forms.ChoiceField(
        label=_("Paid by the"), choices=PlanVersion.Period.choices, widget=UnfoldAdminSelectWidget
    )
    trial_days = forms.IntegerField(
        label=_("Days of trial"),
        min_value=0,
        max_value=365,
        initial=0,
        widget=UnfoldAdminIntegerFieldWidget,
    )

    @classmethod
    def initial_of(cls, version: PlanVersion | None) -> dict[str, Any]:
        """What the form begins with: the terms of the newest version."""
        if version is None:
            return {}
        return {
            "currency": version.currency,
            "price": f"{major_amount(version.flat_minor, version.currency):f}",
            "period": version.period,
            "trial_days": version.trial_days,
        }

    def clean_currency(self) -> str:
        """A code of ISO 4217, in capitals."""
        code = str(self.cleaned_data["currency"]).upper()
        if not is_currency(code):
            raise forms.ValidationError(_("This is no ISO 4217 code, such as USD."))
        return code

    def clean(self) -> dict[str, Any]:
        """A price has no more decimals than its currency."""
        found = super().clean() or {}
        if "price" in found and "currency" in found:
            minor = found["price"].scaleb(minor_digits(found["currency"]))
            if minor != minor.to_integral_value():
                self.add_error("price", _("More decimals than the currency has."))
            found["flat_minor"] = int(minor)
        return found

    def entitlements(self) -> dict[str, Any]:
        """What the version entitles to."""
        raise NotImplementedError

    def terms(self) -> Terms:
        """The terms of a valid form."""
        given = self.cleaned_data
        return Terms(
            currency=given["currency"],
            flat_minor=given["flat_minor"],
            period=given["period"],
            trial_days=given["trial_days"],
            entitlements=self.entitlements(),
        )


class ServiceTermsForm(TermsForm):
    """A service of an ISP: a price and two speeds."""

    down = forms.DecimalField(
        label=_("Download, Mbit/s"),
        min_value=0,
        max_digits=9,
        decimal_places=3,
        required=False,
        widget=UnfoldAdminDecimalFieldWidget,
    )
    up = forms.DecimalField(
        label=_("Upload, Mbit/s"),
        min_value=0,
        max_digits=9,
        decimal_places=3,
        required=False,
        widget=UnfoldAdminDecimalFieldWidget,
    )

    @classmethod
    def initial_of(cls, version: PlanVersion | None) -> dict[str, Any]:
        """With the speeds."""
        known = version.entitlements if version else {}
        speeds = {
            name: f"{known[f'{name}_kbps'] / _KBPS:g}"
            for name in ("down", "up")
            if f"{name}_kbps" in known
        }
        return {**super().initial_of(version), **speeds}

    def entitlements(self) -> dict[str, Any]:
        """Speeds in kbit/s; one that is left out is not limited by the plan."""
        return {
            f"{name}_kbps": int(self.cleaned_data[name] * _KBPS)
            for name in ("down", "up")
            if self.cleaned_data.get(name)
        }


class HostingTermsForm(TermsForm):
    """Hosting of an ISP: where it lives and how far it goes."""

    per_subscriber = forms.DecimalField(
        label=_("Price per active subscriber"),
        min_value=0,
        max_digits=16,
        decimal_places=8,
        initial=0,
        widget=UnfoldAdminDecimalFieldWidget,
    )
    hosting = forms.ChoiceField(
        label=_("Hosting"),
        choices=[(SHARED, _("Shared")), (DEDICATED, _("Dedicated"))],
        widget=UnfoldAdminSelectWidget,
    )
    max_subscribers = forms.IntegerField(
        label=_("Active subscribers, at most"),
        min_value=1,
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    max_instances = forms.IntegerField(
        label=_("Instances, at most"),
        min_value=1,
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    memory_mb = forms.IntegerField(
        label=_("Memory, MiB"),
        min_value=1,
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
    )

    _ENTITLEMENTS = ("hosting", "max_subscribers", "max_instances", "memory_mb")

    @classmethod
    def initial_of(cls, version: PlanVersion | None) -> dict[str, Any]:
        """With the limits and the price per subscriber."""
        if version is None:
            return {}
        each = major_amount(version.per_subscriber_minor, version.currency).normalize()
        limits = {k: v for k, v in version.entitlements.items() if k in cls._ENTITLEMENTS}
        return {**super().initial_of(version), **limits, "per_subscriber": f"{each:f}"}

    def entitlements(self) -> dict[str, Any]:
        """Limits; one that is left out is not limited by the plan."""
        given = self.cleaned_data
        return {name: given[name] for name in self._ENTITLEMENTS if given.get(name)}

    def terms(self) -> Terms:
        """With the price per subscriber."""
        plain = super().terms()
        each = self.cleaned_data["per_subscriber"].scaleb(minor_digits(plain.currency))
        return replace(plain, per_subscriber_minor=each)
