"""What of the places of backups is encrypted."""

from apps.backups.models import BackupTarget, FormerPlace
from apps.core.sealed import seals

seals(BackupTarget, "secret", "key")
seals(FormerPlace, "secret")
