"""The operator's form for a log that ends early since a backup was restored."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from apps.core.exceptions import DomainError
from apps.events.accepting import LONGEST_REASON
from apps.events.actors import Actor, user_actor
from apps.events.permissions import ACCEPT
from apps.events.places_of_logs import schemas_with_logs
from apps.events.verifications import start_verification
from apps.tenancy.kinds import PUBLIC, current_schema, schema_of


class AcceptanceForm(forms.Form):
    """Which log goes on from where it ends now, and why."""

    schema = forms.ChoiceField(label=_("Schema"), widget=UnfoldAdminSelectWidget())
    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("Which backup was restored, and why. It stays in the log."),
        max_length=LONGEST_REASON,
        widget=UnfoldAdminTextInputWidget(),
    )
    confirm = forms.CharField(
        label=_("Type the name of the schema to go on"),
        help_text=_("The events that are missing stay missing, and everybody sees that they are."),
        max_length=63,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["schema"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", ""), *((name, name) for name in schemas_with_logs())]

    def clean(self) -> dict[str, Any]:
        """Typed as it is chosen."""
        data = super().clean() or {}
        if data.get("confirm") and data.get("confirm") != data.get("schema"):
            self.add_error("confirm", _("This is not the name of the schema."))
        return data


def may_accept(request: HttpRequest) -> bool:
    """Whether somebody may, at the operator: who restores backups."""
    return current_schema() == PUBLIC and request.user.has_perm(ACCEPT)


def accept(request: HttpRequest, form: AcceptanceForm) -> bool:
    """Have a log proven and its end accepted by a worker; False where that is not begun."""
    schema, who = form.cleaned_data["schema"], user_actor(request.user)
    # In a tenant's log somebody of the operator is none of its people.
    actor = who if schema == PUBLIC else Actor("platform", who.id, who.label)
    try:
        with schema_of(schema):
            start_verification(actor=actor, accepting=form.cleaned_data["reason"])
    except DomainError as error:
        form.add_error(error.field or None, error.message)
        return False
    text = _(
        "The log of %(schema)s is being verified. If nothing else is wrong with it, it goes on from"
        " its present end; “Work” says so."
    )
    messages.success(request, text % {"schema": schema})
    return True
