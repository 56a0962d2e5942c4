"""How often, how long and how patiently."""

from datetime import timedelta

# The same of the same thing is said at most once in this time.
WINDOW = timedelta(minutes=15)
# Seconds between the tries of a delivery; after the last it counts as failed.
PAUSES_S = (5, 30, 120, 600, 1800, 7200)
# A channel that took nothing for so long is a thing to mend.
PATIENCE = timedelta(days=1)
# No mail has left for so long, though some were tried.
MAIL_PATIENCE = timedelta(minutes=10)
KEPT = timedelta(days=90)
MOST_CHANNELS = 20
