"""Route hostnames to the upstreams of instances, with TLS and weights."""

from dotmac.edge.base import (
    MARK_HEADER,
    Certificate,
    Edge,
    EdgeError,
    KeptCertificate,
    PlatformRoutes,
    Route,
    Upstream,
)

__all__ = [
    "MARK_HEADER",
    "Certificate",
    "Edge",
    "EdgeError",
    "KeptCertificate",
    "PlatformRoutes",
    "Route",
    "Upstream",
]
