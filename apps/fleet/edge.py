"""The edge of this platform: rendered from all routes at once, never backwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import structlog
from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.fleet.models import Certificate, EdgeState, Route
from apps.fleet.services.certificates import key_of
from apps.fleet.services.routes import EDGE, edge_route
from dotmac import edge as kernel
from dotmac.crypto.fields import CipherError
from dotmac.edge.fake import FakeEdge
from dotmac.edge.traefik import TraefikEdge

log = structlog.get_logger(__name__)
# Who renders holds it, in every process of this database.
_LOCK = 0x0D07_ED6E
_LOCK_WAIT_S = 20


@cache
def edge() -> kernel.Edge:
    """The edge that the settings name: EDGE_KIND is "traefik", or "fake" in tests."""
    if getattr(settings, "EDGE_KIND", "traefik") == "fake":
        return FakeEdge()
    platform = kernel.PlatformRoutes(
        base_domain=settings.BASE_DOMAIN,
        apps_domain=settings.APPS_DOMAIN,
        web_url=f"http://127.0.0.1:{settings.WEB_PORT}",
        http_port=settings.EDGE_HTTP_PORT,
        https_port=settings.EDGE_HTTPS_PORT,
        web_url_file=Path(settings.WEB_URL_FILE) if settings.WEB_URL_FILE else None,
        hsts_s=settings.HSTS_SECONDS,
    )
    return TraefikEdge(Path(settings.EDGE_DIR), platform)


def render() -> int:
    """Give the edge all routes that are wanted by now, unless somebody just did.

    Returns the number of the revision that it has. Call it outside of transactions: what it
    reads must be committed, and writing files takes time. EdgeError when the edge refuses.
    """
    wanted, applied = _state()
    if applied >= wanted:
        return applied
    with _alone():
        now_wanted, applied = _state()
        return applied if applied >= wanted else _apply(now_wanted)


def refresh() -> int:
    """Give the edge all routes even if it should have them: its files may be lost or changed."""
    with _alone():
        return _apply(_state()[0])


def is_behind() -> bool:
    """Whether a change of routes waits to be rendered."""
    wanted, applied = _state()
    return applied < wanted


def _apply(wanted: int) -> int:
    """Render what is committed now, which is revision `wanted` or newer; needs the lock."""
    edge().apply(_routes(), _certificates())
    EdgeState.objects.filter(name=EDGE).update(
        applied=Greatest("applied", wanted), applied_at=timezone.now()
    )
    return wanted


def _state() -> tuple[int, int]:
    # Durable: refuses to run inside of a transaction, where the change is not committed yet.
    with transaction.atomic(durable=True):
        row = EdgeState.objects.filter(name=EDGE).values_list("wanted", "applied").first()
    return row or (0, 0)


def _routes() -> Iterator[kernel.Route]:
    rows = Route.objects.order_by().values_list("hostname", "upstreams", "notice")
    for hostname, upstreams, notice in rows:
        try:
            yield edge_route(hostname, upstreams, notice)
        except kernel.EdgeError as error:
            # One bad row shall not keep the others from being rendered.
            log.error("route_left_out", hostname=hostname, error=error.message)


def _certificates() -> list[kernel.Certificate | kernel.KeptCertificate]:
    found = [_certificate(row) for row in Certificate.objects.order_by("name")]
    return [one for one in found if one is not None]


def _certificate(row: Certificate) -> kernel.Certificate | kernel.KeptCertificate | None:
    """One as the edge takes it; None where a part is missing, which must not stop the others."""
    names = tuple(row.hostnames)
    if row.chain:
        try:
            return kernel.KeptCertificate(names, row.chain, key_of(row))
        except CipherError as error:
            log.error("certificate_key_missing", certificate=row.name, error=str(error))
            return None
    if not (row.certificate_path and row.key_path):
        return None
    pair = Path(row.certificate_path), Path(row.key_path)
    if all(path.is_file() for path in pair):
        return kernel.Certificate(names, *pair)
    log.error("certificate_file_missing", certificate=row.name)
    return None


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the session's lock, with no transaction open; waits for who holds it now."""
    try:
        with transaction.atomic(durable=True), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{_LOCK_WAIT_S}s'")
            cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
    except OperationalError as error:
        raise kernel.EdgeError(
            _(
                "Another process has been writing the edge's routes for %(lock_wait_s)s "
                "seconds. This is tried again."
            )
            % {"lock_wait_s": _LOCK_WAIT_S},
            permanent=False,
        ) from error
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
