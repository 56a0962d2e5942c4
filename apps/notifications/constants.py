"""The ways to tell somebody something."""

INBOX, EMAIL, SMS = "inbox", "email", "sms"
CHANNELS = (INBOX, EMAIL, SMS)
# Read or not, older ones go.
KEPT_DAYS = 180
# Tries of a delivery before it counts as failed, and the seconds between them.
PAUSES_S = (30, 120, 600, 1800, 7200)
