"""A manifest of the tests."""

from typing import Any

import pytest


@pytest.fixture
def manifest() -> dict[str, Any]:
    """A small app of one service."""
    return {
        "name": "notes",
        "title": "Notes",
        "summary": "Notes of a team",
        "version": "1.0",
        "services": {"web": {"image": "notes:1.0", "port": 8080, "public": True}},
    }
