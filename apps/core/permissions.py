"""What a permission is: each app declares its own in its `permissions` module.

It has a key that code asks for, and grants what the admin asks of the same rows. The apps below
`accounts` declare too, so this stands at the bottom; who has what is in `apps.accounts.access`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from django.utils.functional import Promise

OWNER, ADMIN, TECHNICIAN = "owner", "admin", "technician"
BILLING, SUPPORT, VIEWER = "billing", "support", "viewer"
EVERY_KIND = ("public", "console", "workspace")


@dataclass(frozen=True)
class Permission:
    """Something that a role can hold; owners hold all."""

    key: str
    title: str | Promise
    # The built-in roles that hold it.
    roles: tuple[str, ...]
    # Django's names of rights on models, as `subscribers.view_subscriber`.
    grants: tuple[str, ...] = ()
    kinds: tuple[str, ...] = EVERY_KIND
    # Whether somebody who is limited to named resources can hold it, for those.
    is_limitable: bool = False
    # Keys without which it gives nothing, since it leads to what they show.
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limit:
    """A type of resource that a membership can be limited to.

    `lookups` says by which field each model is of such a resource; a model without one is
    nothing that a limited member sees. `choices` gives ids and names in the current schema.
    """

    type: str
    title: str | Promise
    kind: str
    lookups: Mapping[str, str]
    choices: Callable[[], Iterable[tuple[str, str]]]


def rights(app: str, *models: str, on: str = "view") -> tuple[str, ...]:
    """Django's names of rights on models of an app; `on` is one or several words."""
    return tuple(f"{app}.{word}_{model}" for model in models for word in on.split())
