"""Telling those who watch that an operation has changed."""

import json

from django.db import connection, transaction

from apps.operations.models import Operation
from apps.tenancy.kinds import current_schema

# Listened to by the web processes, which look the change up under their own access check.
CHANNEL = "dotmac_operations"


def announce(operation: Operation) -> None:
    """Notify the web processes on commit; carries names only, and nobody waits for it."""
    note = json.dumps({"schema": current_schema(), "operation": str(operation.uuid)})
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, note])
