"""What the operator fills in for a server."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.fleet.models import Server

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
