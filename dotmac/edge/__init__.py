"""Route hostnames to the upstreams of instances, with TLS and weights."""

from dotmac.edge.base import (
    Certificate,
    Edge,
    EdgeError,
    PlatformRoutes,
    Route,
    Upstream,
)

__all__ = ["Certificate", "Edge", "EdgeError", "PlatformRoutes", "Route", "Upstream"]
