"""What can be wrong with backups of the platform."""

import subprocess
import tarfile

import psycopg

from apps.core.exceptions import DomainError
from dotmac.backups import BackupError

# What ends a backup or a turn of carrying for now: the place, this machine's disk, a program, or
# the database. It is told, and tried again in its time; anything else is a mistake of ours.
FAILURES = (BackupError, OSError, psycopg.Error, subprocess.SubprocessError, tarfile.TarError)


class TargetError(DomainError):
    """A place that backups cannot go to."""

    code = "backup_target"


class NoDatabaseError(DomainError):
    """The database is kept by somebody else, whose backups are its own."""

    code = "backup_elsewhere"
