"""Forms made of an app's manifest: one field for each setting that a person may change."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from apps.instances.exceptions import InvalidSettingsError
from apps.instances.models import Instance
from apps.instances.services import release_of
from dotmac.stack import parse_manifest
from dotmac.stack.manifest import Variable


class InstallForm(forms.Form):
    """The settings of an app, checked by kind; a secret left blank stays or is generated."""

    def __init__(
        self,
        manifest: Mapping[str, Any],
        data: Any = None,
        *,
        current: Mapping[str, str] | None = None,
        is_new: bool = True,
    ) -> None:
        super().__init__(data)
        for variable in parse_manifest(dict(manifest)).environment:
            if variable.editable and not (variable.generate and is_new):
                self.fields[variable.name] = _field(variable, (current or {}).get(variable.name))

    def cleaned_settings(self) -> dict[str, str]:
        """What was given, by name; a blank one goes back to its default, a blank secret stays."""
        return {k: "" if v is None else str(v) for k, v in self.cleaned_data.items()}

    def refuse(self, error: InvalidSettingsError) -> None:
        """Show what the app itself refused, each at its field where there is one."""
        for path, message in error.problems:
            name = path.removeprefix("environment.")
            self.add_error(name if name in self.fields else None, message)


def settings_form(instance: Instance, data: Any) -> InstallForm:
    """The settings of an instance as they are."""
    release = release_of(instance)
    manifest = (
        release.manifest
        if instance.hosting == Instance.Hosting.DEDICATED
        else {**release.manifest, "environment": []}
    )
    return InstallForm(manifest, data, current=instance.environment, is_new=False)


def _field(variable: Variable, current: str | None) -> forms.Field:
    common: dict[str, Any] = {
        "label": variable.name.replace("_", " ").capitalize(),
        "help_text": variable.description,
        "required": variable.required and variable.default is None and not variable.generate,
        "initial": current if current is not None else variable.default,
    }
    if variable.type == "choice":
        return forms.ChoiceField(choices=[(c, c) for c in variable.choices], **common)
    if variable.type == "boolean":
        choices = [("true", _("Yes")), ("false", _("No"))]
        return forms.ChoiceField(choices=choices, **common)
    if variable.type == "integer":
        return forms.IntegerField(**common)
    if variable.type == "url":
        return forms.URLField(assume_scheme="https", **common)
    if variable.type == "secret":
        secret = {**common, "initial": None, "required": False}
        return forms.CharField(widget=forms.PasswordInput(), strip=False, **secret)
    return forms.CharField(**common)
