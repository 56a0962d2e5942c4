"""Having a workspace told now what its next grant would say tomorrow."""

from apps.tenancy.kinds import operator
from apps.tenants.models import Organisation
from apps.work import services as work

KIND = "grant"


def tell_workspace(organisation: Organisation) -> None:
    """Have a grant brought now: who belongs and who visits; a stack elsewhere learns it so."""
    with operator():
        work.hasten(KIND, str(organisation.uuid))
