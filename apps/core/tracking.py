"""Tables whose changes and deletions programs can follow, kept by triggers.

Rows are also written by UPDATE without a model, and deleted by thousands: a trigger sees all.
"""

from django.db.migrations import RunSQL

FUNCTIONS = """
CREATE FUNCTION core_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END
$$;
CREATE FUNCTION core_bury() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM core_tombstone WHERE deleted_at < now() - interval '90 days';
    INSERT INTO core_tombstone (resource, uuid, deleted_at)
        SELECT TG_ARGV[0], uuid, clock_timestamp() FROM gone;
    RETURN NULL;
END
$$;
"""
NO_FUNCTIONS = "DROP FUNCTION core_touch(); DROP FUNCTION core_bury();"


def track(table: str, resource: str) -> RunSQL:
    """Keep `updated_at` of a table, and a tombstone of each deleted row by its `uuid`."""
    return RunSQL(
        f"""
        CREATE TRIGGER {table}_touch BEFORE UPDATE ON {table}
            FOR EACH ROW EXECUTE FUNCTION core_touch();
        CREATE TRIGGER {table}_bury AFTER DELETE ON {table}
            REFERENCING OLD TABLE AS gone
            FOR EACH STATEMENT EXECUTE FUNCTION core_bury('{resource}');
        """,
        f"DROP TRIGGER {table}_touch ON {table}; DROP TRIGGER {table}_bury ON {table};",
    )


def touch_own(table: str) -> RunSQL:
    """Keep `updated_at` of a table whose rows only go when they are past their time."""
    return _touch(table, table)


def touch(table: str) -> RunSQL:
    """Keep `updated_at` of a table that a whole database shares, in `public`.

    Without tombstones: who deletes there stands in a schema of their own, which would get them.
    """
    return _touch(table, f'"public".{table}')


def _touch(name: str, table: str) -> RunSQL:
    return RunSQL(
        f"""
        CREATE TRIGGER {name}_touch BEFORE UPDATE ON {table}
            FOR EACH ROW EXECUTE FUNCTION core_touch();
        """,
        f"DROP TRIGGER {name}_touch ON {table};",
    )
