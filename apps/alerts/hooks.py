"""What of alert channels is encrypted."""

from apps.alerts.models import AlertChannel
from apps.core.sealed import seals

seals(AlertChannel, "address", "secret")
