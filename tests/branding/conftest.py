"""Owners of Acme and of Initech, at each level, and no memory of other tests' brands."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import Client

from tests.conftest import Isp
from tests.pages.conftest import OPERATOR_HOST, signed_in

PAGE = "/admin/branding/brand/"


@pytest.fixture(autouse=True)
def _no_looks() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def alice(acme: Isp, db: None) -> Client:
    """Owner of Acme, in its workspace."""
    return signed_in(acme.workspace_host, acme.workspace, "alice@acme.example")


@pytest.fixture
def alice_in_console(acme: Isp, db: None) -> Client:
    """Owner of Acme, in its console."""
    return signed_in(acme.console_host, acme.console, "alice@acme.example")


@pytest.fixture
def bob(initech: Isp, db: None) -> Client:
    """Owner of Initech, in its workspace."""
    return signed_in(initech.workspace_host, initech.workspace, "bob@initech.example")


@pytest.fixture
def root(db: None) -> Client:
    """Owner of the operator."""
    return signed_in(OPERATOR_HOST, "public", "root@dotmac.example")
