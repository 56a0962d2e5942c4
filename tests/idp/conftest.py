"""A client of the OpenID provider, and people of an ISP who sign in to it."""

from tests.accounts.conftest import (  # noqa: F401
    _own_files,
    browser,
    commits,
    market,
    northwind,
    other_browser,
    person,
)
