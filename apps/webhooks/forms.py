"""The shape of what is entered about an endpoint."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from apps.webhooks.exceptions import EndpointAddressError
from apps.webhooks.models import Endpoint
from apps.webhooks.services import check_address

_TYPE = re.compile(r"[a-z_]+\.([a-z_]+|\*)\Z")


def wrong_type(types: list[str]) -> str | None:
    """The first that is no type of event, nor all of a kind as “subscriber.*”."""
    return next((one for one in types if len(one) > 80 or not _TYPE.match(one)), None)


class EndpointForm(forms.ModelForm):  # type: ignore[type-arg]
    """An endpoint as its owner enters it."""

    type_list = forms.CharField(
        label=_("Events"),
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("As “subscriber.created, service.*”. Empty means all."),
    )

    class Meta:
        model = Endpoint
        fields = ["url", "description"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "type_list" in self.fields:
            self.fields["type_list"].initial = ", ".join(self.instance.types)

    def clean_url(self) -> str:
        """An address that may be sent to."""
        url = str(self.cleaned_data["url"]).strip()
        try:
            check_address(url)
        except EndpointAddressError as error:
            raise forms.ValidationError(error.message) from error
        return url

    def clean_type_list(self) -> list[str]:
        """Each type once."""
        words = re.split(r"[\s,;]+", self.cleaned_data["type_list"].lower().strip())
        types = list(dict.fromkeys(word for word in words if word))
        wrong = wrong_type(types)
        if wrong:
            text = _("“%(type)s” is no type of event. Write it as in subscriber.created.")
            raise forms.ValidationError(text, params={"type": wrong})
        return types


class ReplayForm(forms.Form):
    """From when on events are sent again."""

    since = forms.DateTimeField(
        label=_("Since"),
        help_text=_("In your time zone; at most 30 days ago."),
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
    )
