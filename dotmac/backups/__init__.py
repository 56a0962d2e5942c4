"""Physical backups with a point in time: PostgreSQL's own, into an encrypted store off site."""

from dotmac.backups.database import Database, Programs
from dotmac.backups.errors import (
    BackupError,
    DamagedError,
    MissingError,
    TakenOverError,
    TargetAwayError,
    TargetFullError,
    TargetRefusedError,
    WrongKeyError,
)
from dotmac.backups.kit import Kit, open_kit
from dotmac.backups.rclone import Store
from dotmac.backups.records import BackupSet, Repository
from dotmac.backups.target import Target

__all__ = [
    "BackupError",
    "BackupSet",
    "DamagedError",
    "Database",
    "Kit",
    "MissingError",
    "Programs",
    "Repository",
    "Store",
    "TakenOverError",
    "Target",
    "TargetAwayError",
    "TargetFullError",
    "TargetRefusedError",
    "WrongKeyError",
    "open_kit",
]
