"""An edge in memory, for tests that need no Traefik."""

from collections.abc import Iterable

from dotmac.edge.base import Certificate, EdgeError, KeptCertificate, Route


class FakeEdge:
    """Keeps the routes it was told last; `history` has every change."""

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {}
        self.certificates: tuple[Certificate | KeptCertificate, ...] = ()
        self.history: list[dict[str, Route]] = []
        self._failures = 0
        self._error = EdgeError("The edge failed, as the test asked.", permanent=False)

    def fail(self, error: EdgeError | None = None, *, times: int = 1) -> None:
        """Let the next calls fail."""
        self._error = error or self._error
        self._failures = times

    def apply(
        self, routes: Iterable[Route], certificates: Iterable[Certificate | KeptCertificate]
    ) -> bool:
        """Have exactly these routes; says whether that was a change."""
        if self._failures:
            self._failures -= 1
            raise self._error
        wanted = {route.hostname: route for route in routes}, tuple(certificates)
        if wanted == (self.routes, self.certificates):
            return False
        self.routes, self.certificates = wanted
        self.history.append(self.routes)
        return True

    def status(self, hostname: str) -> int:
        """What a browser would get: 200, 503 from a notice, 302, or the platform's 404."""
        route = self.routes.get(hostname)
        if route is None:
            return 404
        if route.redirect_to is not None:
            return 302
        is_served = any(upstream.weight for upstream in route.upstreams)
        return 200 if is_served and route.notice is None else 503
