"""States of what is due."""

QUEUED, RUNNING, WAITING = "queued", "running", "waiting"
DONE, FAILED, CANCELLED = "done", "failed", "cancelled"
OPEN = (QUEUED, RUNNING, WAITING)
# Finished rows stay for the operator's list.
KEPT_DAYS = 90
# A worker may die this often without any progress; then its work is told to make an end, and
# after as many more deaths it is abandoned.
STALLS_ALLOWED = 5
# One clock a database: others wait for this lock to fall free.
CLOCK_LOCK = 0x0D07_C10C
# A beat that hangs is cut off: nothing else is woken or reaped while it runs.
BEAT_LIMIT_S = 120
