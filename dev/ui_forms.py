"""The forms of the pages that are shown with sample content."""

from django import forms

from apps.portal.fields import SearchedChoiceField


class AccountForm(forms.Form):
    email = forms.EmailField(label="E-mail")
    password = forms.CharField(
        widget=forms.PasswordInput(render_value=True), help_text="12 characters or more."
    )


class OrganisationForm(forms.Form):
    name = forms.CharField(label="Name")
    slug = forms.CharField(label="Address")


class PlaceForm(forms.Form):
    country = forms.ChoiceField(choices=[("de", "Germany"), ("at", "Austria")])
    currency = forms.ChoiceField(choices=[("EUR", "Euro (EUR)"), ("USD", "US dollar (USD)")])
    timezone = SearchedChoiceField(
        label="Time zone", choices=[("Europe/Berlin", "Europe/Berlin"), ("UTC", "UTC")]
    )
    region = forms.ChoiceField(
        choices=[("local", "This machine")], help_text="Where your data is kept."
    )


class PlanForm(forms.Form):
    plan = forms.ChoiceField(choices=[("starter", "Starter"), ("business", "Business")])


class LoginForm(forms.Form):
    login = forms.EmailField()
    password = forms.CharField(widget=forms.PasswordInput)
    remember = forms.BooleanField(required=False)


class ChangePasswordForm(forms.Form):
    oldpassword = forms.CharField(widget=forms.PasswordInput)
    password1 = forms.CharField(widget=forms.PasswordInput)
    password2 = forms.CharField(widget=forms.PasswordInput)


class NewPasswordForm(forms.Form):
    password1 = forms.CharField(
        widget=forms.PasswordInput, help_text="<ul><li>12 characters or more.</li></ul>"
    )
    password2 = forms.CharField(widget=forms.PasswordInput)


def bound(form: type[forms.Form], values: dict[str, str], **errors: str) -> forms.Form:
    """A sent form with the given errors at its fields; "all" is the form's own."""
    made = form(values)
    made.is_valid()
    for field, text in errors.items():
        made.add_error(None if field == "all" else field, text)
    return made
