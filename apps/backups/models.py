"""Where the platform's backups go, what became of each, and what is wrong. Only in `public`."""

from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from dotmac.backups.target import DIRECTORY, S3, SFTP


class BackupTarget(models.Model):
    """The place off site and the key of what lies there; one row (backups.targets)."""

    class Kind(models.TextChoices):
        S3 = S3, _("S3 bucket")
        SFTP = SFTP, _("SFTP server")
        DIRECTORY = DIRECTORY, _("Directory, mounted from another place")

    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.S3)
    address = models.CharField(max_length=300, blank=True)
    user = models.CharField(max_length=200, blank=True)
    region = models.CharField(max_length=60, blank=True)
    host_key = models.CharField(max_length=1000, blank=True)
    # Both encrypted: what opens the place, and what opens the backups there.
    secret = models.TextField(blank=True, editable=False)
    key = models.TextField(blank=True, editable=False)
    keep_daily = models.PositiveSmallIntegerField(default=7)
    keep_weekly = models.PositiveSmallIntegerField(default=4)
    # Gigabytes of WAL that may wait here while the place is away.
    wal_limit_gb = models.PositiveSmallIntegerField(default=10)
    is_on = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=0)
    # Whose backups they are, and which machine's: another one that was rebuilt has another token.
    installation = models.UUIDField(default=uuid4, editable=False)
    token = models.CharField(max_length=64, blank=True, editable=False)
    is_begun = models.BooleanField(default=False, editable=False)
    on_since = models.DateTimeField(null=True, editable=False)
    # Up to when WAL is carried, when that was done last, and what waits.
    reaches = models.DateTimeField(null=True, editable=False)
    carried_at = models.DateTimeField(null=True, editable=False)
    waiting_bytes = models.BigIntegerField(default=0, editable=False)
    # From when the oldest backup is that lies there, as it was seen last.
    oldest_at = models.DateTimeField(null=True, editable=False)
    # When WAL was given up for room: a backup that begins later closes the gap.
    gap_at = models.DateTimeField(null=True, editable=False)
    files_print = models.CharField(max_length=64, blank=True, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    last_error = models.CharField(max_length=400, blank=True, editable=False)
    # When the kit's content changed last, and when a kit was made last.
    changed_at = models.DateTimeField(null=True, editable=False)
    kit_at = models.DateTimeField(null=True, editable=False)
    # What the kit's other secrets were then, as a digest.
    kit_print = models.CharField(max_length=64, blank=True, editable=False)
    # The row's only possible key.
    is_only = models.BooleanField(default=True, unique=True, editable=False)

    class Meta:
        verbose_name = _("backups")
        verbose_name_plural = _("backups")
        constraints = [models.CheckConstraint(condition=Q(is_only=True), name="one_backup_target")]

    def __str__(self) -> str:
        return self.address


class FormerPlace(models.Model):
    """Where backups went before, until nothing of them is left there (backups.forgetting)."""

    kind = models.CharField(max_length=10, choices=BackupTarget.Kind.choices)
    address = models.CharField(max_length=300)
    user = models.CharField(max_length=200, blank=True)
    region = models.CharField(max_length=60, blank=True)
    host_key = models.CharField(max_length=1000, blank=True)
    # Encrypted; the key of what lies there is the present one's.
    secret = models.TextField(blank=True, editable=False)
    token = models.CharField(max_length=64, editable=False)
    keep_daily = models.PositiveSmallIntegerField()
    keep_weekly = models.PositiveSmallIntegerField()
    left_at = models.DateTimeField(default=timezone.now)
    oldest_at = models.DateTimeField(null=True, editable=False)
    last_error = models.CharField(max_length=400, blank=True, editable=False)

    class Meta:
        verbose_name = _("former place of backups")
        verbose_name_plural = _("former places of backups")
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.address


class BackupRun(models.Model):
    """A backup or a restore test, from when it was asked for."""

    class Kind(models.TextChoices):
        FULL = "full", _("Full backup")
        DIFFERENTIAL = "differential", _("Differential backup")
        TEST = "test", _("Restore test")

    class Status(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    status = models.CharField(
        _("status"), max_length=10, choices=Status.choices, default=Status.QUEUED
    )
    # One at a time: 1 while it is open, nothing afterwards.
    slot = models.PositiveSmallIntegerField(null=True, unique=True, default=1, editable=False)
    # The set in the repository that it made or tested.
    name = models.CharField(max_length=80, blank=True)
    size = models.BigIntegerField(default=0)
    read_bytes = models.BigIntegerField(default=0)
    error = models.CharField(max_length=400, blank=True)
    # What a test measured: tenants, events, recovery_point_s, seconds.
    report = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("backup")
        verbose_name_plural = _("backups")
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["kind", "status", "-finished_at"], name="backup_newest"),
        ]

    def __str__(self) -> str:
        return str(self.get_kind_display())


class BackupAlarm(models.Model):
    """Something that has been wrong with backups for too long, since when it was told."""

    class Name(models.TextChoices):
        OVERDUE = "overdue", _("No backup for 26 hours")
        LAGGING = "lagging", _("The log of changes is not carried off site")
        AWAY = "away", _("The place off site has been away for a day")
        TEST = "test", _("The restore test failed")
        GAP = "gap", _("Changes were given up for want of room")

    name = models.CharField(max_length=10, choices=Name.choices, unique=True)
    error = models.CharField(max_length=400, blank=True)
    told_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("alarm of backups")
        verbose_name_plural = _("alarms of backups")

    def __str__(self) -> str:
        return str(self.get_name_display())
