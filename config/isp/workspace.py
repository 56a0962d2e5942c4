"""The workspace that these containers are for, as the platform described it in the environment."""

import re
from dataclasses import dataclass, field
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from environs import Env, EnvError

from apps.tenancy.kinds import WORKSPACE, kind_of

_SCHEMA = re.compile(r"w_[a-z0-9][a-z0-9_]{0,60}\Z")


@dataclass(frozen=True)
class Workspace:
    """Name, hosts and owner; `tenant` is the uuid that the platform knows the workspace by."""

    schema: str
    slug: str
    name: str
    hostnames: tuple[str, ...]
    owner_email: str = field(default="", repr=False)
    owner_identity: UUID | None = None
    tenant: UUID | None = None


def from_environment() -> Workspace:
    """WORKSPACE_* and OWNER_*; ImproperlyConfigured with the name of what is missing or wrong."""
    env = Env()
    try:
        schema = env.str("WORKSPACE_SCHEMA", validate=_is_schema)
        return Workspace(
            schema=schema,
            slug=env.str("WORKSPACE_SLUG", schema[2:].replace("_", "-")),
            name=env.str("WORKSPACE_NAME"),
            hostnames=_hostnames(env.list("WORKSPACE_HOSTNAMES")),
            owner_email=env.str("OWNER_EMAIL", "").strip().lower(),
            owner_identity=env.uuid("OWNER_IDENTITY", None),
            tenant=env.uuid("WORKSPACE_TENANT", None),
        )
    except EnvError as error:
        raise ImproperlyConfigured(f"The workspace's environment is wrong: {error}") from error


def _hostnames(listed: list[str]) -> tuple[str, ...]:
    return tuple(host.strip().lower() for host in listed)


def _is_schema(name: str) -> bool:
    """Also keeps the name harmless where SQL cannot take it as a parameter."""
    return bool(_SCHEMA.match(name)) and kind_of(name) == WORKSPACE
