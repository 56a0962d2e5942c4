"""What of the contract is another one where a workspace is imported."""

from apps.contract.models import HeldGrant
from apps.tenancy.transfer.registry import Arrival, when_arrived


@when_arrived("contract")
def _numbers_of_another_platform(_arrival: Arrival) -> None:
    """Its grants are counted anew: the first of them would be older than the one that is held."""
    HeldGrant.objects.update(serial=0)
