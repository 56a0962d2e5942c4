"""The log is written by several connections, so its tests commit."""

from tests.live import module_database, swept_database

__all__ = ["module_database", "swept_database"]
