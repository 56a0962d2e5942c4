"""What of certificates is encrypted."""

from apps.core.sealed import seals
from apps.fleet.models import Certificate

seals(Certificate, "key")
