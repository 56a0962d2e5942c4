"""Looking at one thing, in the operator's schema."""

from collections.abc import Callable, Iterator

import pytest

from apps.core.health import Finding
from apps.doctor.looking import chosen, look
from tests.alerts.conftest import hers, olga, pager
from tests.fleet.conftest import fakes

__all__ = ["fakes", "hers", "olga", "pager"]
Look = Callable[[str], list[Finding]]


@pytest.fixture
def look_at(operator_schema: None) -> Iterator[Look]:
    """What a check finds now."""

    def found(name: str) -> list[Finding]:
        (check,) = [one for one in chosen([name]) if one.name == name]
        return list(look(check).findings)

    return found
