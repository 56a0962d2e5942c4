"""The ways to tell somebody something."""

INBOX, EMAIL, SMS = "inbox", "email", "sms"
CHANNELS = (INBOX, EMAIL, SMS)
# How much a notice of the operator matters where it is an alert, the least first.
INFO, WARNING, CRITICAL = "info", "warning", "critical"
SEVERITIES = (INFO, WARNING, CRITICAL)
# Read or not, older ones go.
KEPT_DAYS = 180
# Tries of a delivery before it counts as failed, and the seconds between them.
PAUSES_S = (30, 120, 600, 1800, 7200)
