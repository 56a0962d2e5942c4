"""States of what is due."""

QUEUED, RUNNING, WAITING = "queued", "running", "waiting"
DONE, FAILED, CANCELLED = "done", "failed", "cancelled"
OPEN = (QUEUED, RUNNING, WAITING)
# Finished rows stay for the operator's list.
KEPT_DAYS = 90
