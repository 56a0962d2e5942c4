"""A brand as its owner enters it."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.branding.exceptions import PictureError
from apps.branding.looks import OUR_PRIMARY, zone_of_schema
from apps.branding.models import Brand
from apps.branding.pictures import MAX_BYTES, CleanPicture, clean_picture
from apps.branding.services import NewPictures, Words
from apps.core.languages import names
from apps.core.zones import zones_by_continent

_WORDS = tuple(Words.__dataclass_fields__)
_PICTURES = ("logo", "logo_dark")


def languages() -> list[tuple[str, str]]:
    """What can be chosen: each language, or that of each browser."""
    return [("", str(_("As the browser asks for"))), *names().items()]


def zones() -> list[Any]:
    """What can be chosen: a zone of any continent, or that of the organisation."""
    usual = zone_of_schema() or "UTC"
    first = _("As the organisation: %(zone)s") % {"zone": usual.replace("_", " ")}
    return [("", first), *zones_by_continent(), ("UTC", "UTC")]


class ColourWidget(forms.TextInput):
    """The browser's own choice of a colour."""

    input_type = "color"


class LogoField(forms.FileField):
    """A PNG or SVG file, cleaned."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.FileInput(attrs={"accept": "image/png,image/svg+xml"})
        super().__init__(required=False, widget=widget, **kwargs)

    def clean(self, data: Any, initial: Any = None) -> CleanPicture | None:
        """The picture, checked and written anew."""
        uploaded = super().clean(data, initial)
        if not uploaded:
            return None
        if uploaded.size > MAX_BYTES:
            raise forms.ValidationError(_("This file is larger than 512 kB. Save it smaller."))
        try:
            return clean_picture(uploaded.read())
        except PictureError as error:
            raise forms.ValidationError(error.message) from error


class WordsForm(forms.Form):
    """Name, colour and what mails say; by itself it is what the preview shows."""

    name = forms.CharField(
        label=_("Name"),
        max_length=60,
        required=False,
        help_text=_("What customers know you by. Empty: the name you signed up with."),
    )
    primary = forms.RegexField(
        label=_("Colour"),
        regex=r"^#[0-9a-fA-F]{6}\Z",
        widget=ColourWidget,
        help_text=_(
            "Buttons have it as it is. For text it is made darker or lighter until it reads."
        ),
    )
    sender_name = forms.CharField(
        label=_("Sender"),
        max_length=60,
        required=False,
        help_text=_("Who mails are from. Empty: the name."),
    )
    footer = forms.CharField(
        label=_("Footer"),
        max_length=300,
        required=False,
        help_text=_("Below every page of the portal and every mail: company, address, register."),
    )
    support_email = forms.EmailField(
        label=_("Support e-mail"),
        required=False,
        help_text=_("Answers to mails come here, and the portal shows it."),
    )
    support_phone = forms.CharField(label=_("Support telephone"), max_length=40, required=False)
    support_hours = forms.CharField(
        label=_("Support hours"),
        max_length=80,
        required=False,
        help_text=_("As “Monday to Friday, 8 to 18”."),
    )
    language = forms.ChoiceField(
        label=_("Language"),
        choices=languages,
        required=False,
        help_text=_("Of pages and mails for whoever chose none. Everybody can choose their own."),
    )

    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=zones,
        required=False,
        help_text=_(
            "Of the times on pages and in mails for whoever chose none, and of the days that"
            " numbers are counted by."
        ),
    )

    def clean_primary(self) -> str:
        """Nothing where it is our own colour, so that it stays ours."""
        colour = str(self.cleaned_data["primary"]).lower()
        return "" if colour == OUR_PRIMARY else colour

    @property
    def words(self) -> Words:
        """What was entered, as far as it is right."""
        return Words(**{name: self.cleaned_data.get(name, "") for name in _WORDS})


class BrandForm(WordsForm):
    """All of a brand."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    logo = LogoField(
        label=_("Logo"),
        help_text=_("PNG or SVG, up to 512 kB. A wide one stands in place of the name."),
    )
    remove_logo = forms.BooleanField(label=_("Remove the logo"), required=False)
    logo_dark = LogoField(
        label=_("Logo on dark ground"),
        help_text=_("Only where the first one cannot be seen there."),
    )
    remove_logo_dark = forms.BooleanField(label=_("Remove the logo on dark ground"), required=False)

    @property
    def pictures(self) -> NewPictures:
        """The pictures that come and go."""
        removed = (name for name in _PICTURES if self.cleaned_data.get(f"remove_{name}"))
        return NewPictures(
            logo=self.cleaned_data.get("logo"),
            logo_dark=self.cleaned_data.get("logo_dark"),
            removed=frozenset(removed),
        )


def initial_of(brand: Brand) -> dict[str, Any]:
    """What the form starts with."""
    words = {name: getattr(brand, name) for name in _WORDS}
    return {**words, "primary": brand.primary or OUR_PRIMARY, "version": brand.version}
