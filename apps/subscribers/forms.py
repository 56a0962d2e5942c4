"""What people may type about subscribers."""

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from apps.billing.models import PlanVersion
from apps.billing.services import newest_versions
from apps.core.places import country_choices
from apps.subscribers.models import Service, Subscriber, SubscriberImport

_PHONE = RegexValidator(r"\A\+?[\d ()/.\-]{3,39}\Z", _("Digits, blanks and + ( ) / . - only."))


class AccountForm(forms.Form):
    """What a subscriber may change alone; the e-mail address is how they sign in."""

    name = forms.CharField(label=_("Name"), max_length=120)
    phone = forms.CharField(
        label=_("Telephone"), max_length=40, required=False, validators=[_PHONE]
    )


class UploadForm(forms.Form):
    """A list of subscribers."""

    file = forms.FileField(
        label=_("CSV file"),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,text/csv"}),
        # Our own sentence, since an empty file is named by the check too.
        allow_empty_file=True,
    )


class StartForm(forms.Form):
    """What becomes of rows in error."""

    mode = forms.ChoiceField(
        label=_("Rows in error"),
        choices=SubscriberImport.Mode.choices,
        widget=forms.RadioSelect,
        initial=SubscriberImport.Mode.ALL_OR_NOTHING,
    )


class PlanField(forms.ModelChoiceField):
    """A choice among the plans that are offered, in their newest version."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(PlanVersion.objects.none(), label=_("Plan"), **kwargs)

    def refresh(self) -> None:
        """Ask which plans are offered now."""
        offered = [version.pk for version in newest_versions() if version.plan.is_offered]
        self.queryset = (
            PlanVersion.objects.filter(pk__in=offered)
            .select_related("plan")
            .order_by("plan__position", "plan__name")
        )

    def label_from_instance(self, obj: PlanVersion) -> str:
        """Name and price."""
        return f"{obj.plan.name}, {obj.price} / {obj.get_period_display()}"


class _ServiceFields(forms.Form):
    """A plan, its user name and where it is delivered."""

    username = forms.CharField(
        label=_("User name"),
        max_length=64,
        required=False,
        help_text=_("What the subscriber's router signs in with."),
    )
    street = forms.CharField(label=_("Street"), max_length=120, required=False)
    postcode = forms.CharField(label=_("Postcode"), max_length=16, required=False)
    city = forms.CharField(label=_("City"), max_length=80, required=False)
    country = forms.ChoiceField(label=_("Country"), required=False)

    ADDRESS = ("street", "postcode", "city", "country")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["plan"].refresh()  # type: ignore[attr-defined]
        self.fields["country"].choices = [("", "–"), *country_choices()]  # type: ignore[attr-defined]

    def clean_username(self) -> str:
        """Nobody else's."""
        username = str(self.cleaned_data["username"])
        if username and Service.objects.filter(username=username).exists():
            raise forms.ValidationError(_("This user name belongs to another service."))
        return username

    def address(self) -> dict[str, str]:
        """The parts of the address."""
        return {name: self.cleaned_data[name] for name in self.ADDRESS}


class ServiceForm(_ServiceFields):
    """A further service of a subscriber."""

    field_order = ["plan", "username", "street", "postcode", "city", "country"]
    plan = PlanField()


class AddForm(_ServiceFields, forms.ModelForm):
    """A new subscriber, at once with a service where there is one."""

    plan = PlanField(required=False, widget=UnfoldAdminSelectWidget)

    class Meta:
        model = Subscriber
        fields = ["name", "email", "phone", "number", "external_id"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["number"].required = False
        self.fields["number"].help_text = _("Drawn if it is left empty.")
        self.fields["phone"].validators.append(_PHONE)
        for name in ("username", *self.ADDRESS[:3]):
            self.fields[name].widget = UnfoldAdminTextInputWidget()
        choices = self.fields["country"].choices  # type: ignore[attr-defined]
        self.fields["country"].widget = UnfoldAdminSelectWidget(choices=choices)

    def clean(self) -> dict[str, Any]:
        """A user name belongs to a service."""
        found = super().clean() or {}
        if found.get("username") and not found.get("plan"):
            self.add_error("plan", _("A user name belongs to a service, so choose its plan."))
        return found


class DetailsForm(forms.ModelForm):
    """What staff may change of a subscriber."""

    class Meta:
        model = Subscriber
        fields = ["name", "email", "phone", "external_id"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["phone"].validators.append(_PHONE)


class SuspendForm(forms.Form):
    """Why a service is switched off."""

    reason = forms.ChoiceField(
        label=_("Reason"),
        choices=Service.Suspension.choices,
        initial=Service.Suspension.NONPAYMENT,
    )
