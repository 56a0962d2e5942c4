"""What of the account and its orders is encrypted."""

from apps.certificates.models import AcmeAccount, Certificate
from apps.core.sealed import seals

seals(AcmeAccount, "binding_key", "key", "dns_secret")
seals(Certificate, "order_key")
