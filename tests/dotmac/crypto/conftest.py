import uuid

import pytest
from hypothesis import HealthCheck, settings

from dotmac.crypto.keys import SigningKey

# The machine is shared: how long an example takes says nothing about the code.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")


@pytest.fixture
def platform_key():
    return SigningKey.generate()


@pytest.fixture
def stranger_key():
    return SigningKey.generate()


@pytest.fixture
def tenant():
    return uuid.UUID("5f0f3c1c-8a3e-4a6c-9d41-1f6f0f9f7a10")
