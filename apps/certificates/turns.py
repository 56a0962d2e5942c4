"""What one turn of a worker has in its hands."""

from dataclasses import dataclass, field

from apps.certificates.models import AcmeAccount, Certificate
from apps.work.leases import Lease
from dotmac.acme import Account
from dotmac.dns import Provider


@dataclass(frozen=True)
class Turn:
    """A certificate, the right to work on it, and the ways to authority and DNS.

    `wire` and `provider` go over the network: never in a transaction, and only with the lease.
    """

    lease: Lease
    row: Certificate
    account: AcmeAccount
    wire: Account = field(repr=False)
    provider: Provider | None = None
