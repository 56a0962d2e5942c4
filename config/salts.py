"""What a library signs its links with: for each schema another, so that a link opens nothing else.

allauth's link that confirms an address names only a row's number. With one salt for all, somebody
could confirm an address that is not theirs by the link to the row of that number in another schema.
"""

from django.db import connection
from django.utils.functional import lazy


def _account() -> str:
    return f"account.{connection.schema_name}"  # type: ignore[attr-defined]


# Asked anew at each use.
account_salt = lazy(_account, str)()
