"""The people and plans of the accounts tests."""

from tests.accounts.conftest import (  # noqa: F401
    _own_files,
    browser,
    market,
    northwind,
    other_browser,
    person,
)
