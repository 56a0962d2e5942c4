"""Every write to the fleet."""

from apps.fleet.addresses import subnets
from apps.fleet.exceptions import CapacityError, ServerUnavailableError
from apps.fleet.services.certificates import (
    key_of,
    register_edge_certificate,
    serve_certificate,
    set_certificate,
    withdraw_certificate,
)
from apps.fleet.services.losing import declare_lost, remove_leftovers
from apps.fleet.services.placements import (
    activate,
    open_placements,
    place_on_platform,
    release,
    reserve,
)
from apps.fleet.services.routes import remove_route, routes_of, set_route
from apps.fleet.services.servers import (
    activate_server,
    drain,
    ensure_local_region,
    register_local_server,
    retire,
)

__all__ = [
    "CapacityError",
    "ServerUnavailableError",
    "activate",
    "activate_server",
    "declare_lost",
    "drain",
    "ensure_local_region",
    "key_of",
    "open_placements",
    "place_on_platform",
    "register_edge_certificate",
    "register_local_server",
    "release",
    "remove_leftovers",
    "remove_route",
    "reserve",
    "retire",
    "routes_of",
    "serve_certificate",
    "set_certificate",
    "set_route",
    "subnets",
    "withdraw_certificate",
]
