"""One world for all tests of this package."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from django.test import override_settings

from tests.outsiders.world import World, made


@pytest.fixture(scope="package")
def world(
    open_live_database: Callable[[], AbstractContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    """Acme with a row of everything, and Initech beside it."""
    media = tmp_path_factory.mktemp("media")
    # A quick machine asks more in a minute than one key may.
    told = {"MEDIA_ROOT": media, "API_REQUESTS_PER_MINUTE": 100_000}
    with open_live_database(), override_settings(**told):
        yield made()
