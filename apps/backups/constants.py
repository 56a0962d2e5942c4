"""How often, how long and how much."""

from datetime import timedelta

BACKUP, WAL, FORGET = "backup", "backup_wal", "backup_forget"
WAL_SUBJECT = "all"
# A segment of WAL is closed and carried this often, so that no more than this and the way is lost.
WAL_EVERY_S = 90.0
# The longest backup, restore test, or turn after an outage, over whatever line there is.
LONGEST_S = 86_400.0
# How long the database may take to lay a closed segment aside.
CLOSING_S = 10.0
FULL_EVERY = timedelta(days=7)
DAILY_EVERY = timedelta(hours=24)
TEST_EVERY = timedelta(days=30)
# After one that failed.
RETRY_AFTER = timedelta(hours=1)
# After one that failed, where a gap is open and the place works again.
RETRY_GAP_AFTER = timedelta(minutes=5)
RETRY_TEST_AFTER = timedelta(days=1)
# A place that was away while what is past its time was to be deleted there.
FORGET_AGAIN_S = 3600.0
OVERDUE_AFTER = timedelta(hours=26)
LAGGING_AFTER = timedelta(minutes=15)
AWAY_AFTER = timedelta(days=1)
KEPT = timedelta(days=400)
# Room that a restore test leaves free, and how much a restored byte takes at most.
ROOM_FACTOR = 3
