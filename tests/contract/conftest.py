"""ISPs on a platform with one fake server, and tokens that somebody signed."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.keys import signing_key
from apps.tenants.models import Organisation
from dotmac.crypto.contracts import Grant, sign_grant
from dotmac.crypto.keys import SigningKey
from tests.conftest import Isp
from tests.instances.world import adopt, engine, platform, sign_up

__all__ = ["engine", "platform", "sign_up"]


@pytest.fixture
def customer(platform: None, acme: Isp) -> Organisation:
    """Acme, with its shared workspace in this database."""
    return adopt(acme, plan="starter")


def grant_of(organisation: Organisation, serial: int, **changes: Any) -> Grant:
    """A grant as the platform would write it."""
    workspace = organisation.workspace
    assert workspace is not None
    facts: dict[str, Any] = {
        "serial": serial,
        "tenant": workspace.uuid,
        "schema": workspace.schema_name,
        "mode": "full",
        "version": "0.1.0",
        "issued_at": timezone.now(),
        "limits": {"max_subscribers": 100},
        "hostnames": ("acme.apps.localhost",),
    }
    return Grant(**{**facts, **changes})


def signed(grant: Grant, key: SigningKey | None = None) -> str:
    """The grant as a token of the platform, or of whoever has the key."""
    return sign_grant(grant, key or signing_key(), issuer="dotmac.localhost")


@pytest.fixture
def token(customer: Organisation) -> Callable[..., str]:
    """`token(3, mode="read_only")` is a signed grant for Acme."""

    def make(serial: int, issued_at: datetime | None = None, **changes: Any) -> str:
        when = issued_at or timezone.now()
        return signed(grant_of(customer, serial, issued_at=when, **changes))

    return make
