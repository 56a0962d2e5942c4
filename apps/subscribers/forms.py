"""What people may type about subscribers."""

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from apps.subscribers.models import SubscriberImport

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
