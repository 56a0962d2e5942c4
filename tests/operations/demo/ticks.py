"""Beats that a test asks for: some fail or hang, one comes after these, one says whose it is."""

import os
import time
from pathlib import Path

from django.db import connection

from apps.work.management.commands import clock
from apps.work.registry import every

if "DEMO_DUTIES" in os.environ:

    @every(0.1, "demo.duty")
    def _duty() -> None:
        with (Path(os.environ["DEMO_WORLD"]) / "duties").open("a") as file:
            file.write(os.environ["PGAPPNAME"] + "\n")


if "DEMO_BAD_BEATS" in os.environ:
    clock.BEAT_LIMIT_S = 2

    @every(0.1, "demo.wrong")
    def _wrong() -> None:
        connection.cursor().execute("SELECT * FROM no_such_table")

    @every(0.1, "demo.hanging")
    def _hanging() -> None:
        time.sleep(3600)

    @every(0.1, "demo.hanging_in_the_database")
    def _hanging_in_the_database() -> None:
        connection.cursor().execute("SELECT pg_sleep(3600)")

    @every(0.1, "demo.after")
    def _after() -> None:
        with (Path(os.environ["DEMO_WORLD"]) / "beats").open("a") as file:
            file.write("x")
