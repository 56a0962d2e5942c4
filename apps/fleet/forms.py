"""What the operator fills in for a server."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.fleet.models import Server
from apps.fleet.services.losing import LONGEST_REASON

_CAPACITY = ("cpu_millis", "memory_mb", "disk_mb")


class ServerForm(forms.ModelForm):
    """A server; what is left empty of its capacity comes from its plan."""

    class Meta:
        model = Server
        fields = ["name", "region", "plan", "engine_url", "address_prefix", *_CAPACITY]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in _CAPACITY:
            if name in self.fields:
                self.fields[name].required = False
                self.fields[name].help_text = _("What may be reserved. Empty: as in the plan.")

    def clean(self) -> dict[str, Any]:
        """Fill the capacity in from the plan."""
        given = super().clean() or {}
        plan = given.get("plan")
        for name in _CAPACITY:
            if given.get(name) is None and name not in self.errors:
                given[name] = getattr(plan, name, None)
                if given[name] is None:
                    self.add_error(name, _("Give a number, or choose a plan that has it."))
        return given


class LossForm(forms.Form):
    """The server's name, typed, and why it is lost."""

    confirm = forms.CharField(
        max_length=60, widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=LONGEST_REASON,
        help_text=_("It stands on certificates of erasure: say what became of the machine."),
    )

    def __init__(self, server: Server, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.server = server
        label = _("Type %(name)s to go on") % {"name": server.name}
        self.fields["confirm"].label = label

    def clean_confirm(self) -> str:
        """Typed as it is."""
        typed: str = self.cleaned_data["confirm"].strip()
        if typed != self.server.name:
            raise forms.ValidationError(_("This is not the name of the server."))
        return typed
