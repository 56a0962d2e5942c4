"""Who asks when a program does: a service account, narrowed by the scopes of the key it showed."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from apps.accounts.models import ApiKey, ServiceAccount, User
from apps.accounts.scopes import FULL
from apps.core.permissions import OWNER
from apps.events.actors import Actor


@dataclass(eq=False)
class Program:
    """What stands in `request.user` for a program; apart from people, so it has no primary key."""

    account: ServiceAccount
    scopes: tuple[str, ...] = (FULL,)

    pk: ClassVar[None] = None
    is_authenticated: ClassVar[bool] = True
    is_anonymous: ClassVar[bool] = False
    is_staff: ClassVar[bool] = True
    # Support visits are for people.
    visit: ClassVar[None] = None

    def __str__(self) -> str:
        return self.account.name

    @property
    def uuid(self) -> UUID:
        """That of the account."""
        return self.account.uuid

    @property
    def log_name(self) -> str:
        """What log lines call it, which name people by their number."""
        return f"program:{self.account.uuid}"

    @property
    def is_active(self) -> bool:
        """Whether the account is on."""
        return self.account.is_active

    @property
    def is_superuser(self) -> bool:
        """Whether it may do everything: an owner's account with a key of the full scope."""
        return self.account.role == OWNER and FULL in self.scopes

    @property
    def as_actor(self) -> Actor:
        """Who the log says did it."""
        return Actor("service_account", str(self.account.uuid), self.account.name)


Principal = User | Program


def program_of(key: ApiKey) -> Program:
    """Who asks with a key."""
    return Program(key.account, tuple(key.scopes))
