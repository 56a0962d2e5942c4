"""States of what is due."""

QUEUED, RUNNING, WAITING = "queued", "running", "waiting"
DONE, FAILED, CANCELLED = "done", "failed", "cancelled"
OPEN = (QUEUED, RUNNING, WAITING)
# Finished rows stay for the operator's list.
KEPT_DAYS = 90
# A worker may die this often without any progress; then its work is told to make an end, and
# after as many more deaths it is abandoned.
STALLS_ALLOWED = 5
