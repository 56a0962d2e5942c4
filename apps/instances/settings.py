"""The settings of an instance one by one, where the page has them all in one form."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.events.actors import Actor
from apps.instances.exceptions import InvalidSettingsError
from apps.instances.models import Instance
from apps.instances.sealed import opened
from apps.instances.services import change_settings, release_of
from apps.operations.models import Operation
from dotmac.stack import parse_manifest
from dotmac.stack.manifest import Variable


def settings_of(instance: Instance) -> list[dict[str, Any]]:
    """What a person may set, with its value; of a secret only whether there is one."""
    kept = opened(instance)
    return [_shown(variable, instance, kept) for variable in _editable(instance)]


@transaction.atomic
def change_some_settings(
    instance: Instance, given: Mapping[str, str], *, actor: Actor
) -> Operation:
    """Change the settings that are named and deploy the instance with them; the others stay.

    InvalidSettingsError names what the app refuses, and what was fixed when it was made.
    """
    # Two at once must not take back each other's.
    current = Instance.objects.select_for_update().get(pk=instance.pk)
    names = {variable.name for variable in _editable(current)}
    fixed = [name for name in given if name not in names]
    if fixed:
        text = _("There is no such setting, or it stays as it was made.")
        raise InvalidSettingsError([(f"environment.{name}", text) for name in fixed])
    plain = {name: value for name, value in current.environment.items() if name in names}
    return change_settings(current, {**plain, **given}, actor=actor)


def _editable(instance: Instance) -> list[Variable]:
    if instance.hosting == Instance.Hosting.SHARED:
        return []
    manifest = parse_manifest(release_of(instance).manifest)
    return [variable for variable in manifest.environment if variable.editable]


def _shown(variable: Variable, instance: Instance, kept: Mapping[str, str]) -> dict[str, Any]:
    is_secret = variable.type == "secret"
    value = instance.environment.get(variable.name)
    return {
        "name": variable.name,
        "type": variable.type,
        "description": variable.description,
        "choices": list(variable.choices),
        "is_required": variable.required,
        "default": None if is_secret else variable.default,
        "value": None if is_secret else value,
        "is_set": variable.name in kept if is_secret else value is not None,
    }
