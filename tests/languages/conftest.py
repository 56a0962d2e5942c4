"""The people of the pages' tests, and no level's language of a test before."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache

from tests.pages.conftest import (
    alice,
    alice_at_work,
    bob,
    engine,
    new_shop,
    platform,
    root,
    running_shop,
    sign_up,
)

__all__ = [
    "alice",
    "alice_at_work",
    "bob",
    "engine",
    "new_shop",
    "platform",
    "root",
    "running_shop",
    "sign_up",
]


@pytest.fixture(autouse=True)
def _no_look_is_kept() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()
