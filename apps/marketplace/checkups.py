"""Whether what the catalogue offers can be deployed: our own images must be on every server."""

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from apps.core.health import Finding, check, problem, some
from apps.fleet.engines import probing_engine
from apps.fleet.models import Server
from apps.marketplace import services
from dotmac.engine import Engine, EngineError, ErrorCode
from dotmac.engine.own import is_own


@check("images", _("Images of this release"), runbook="deploy-hangs")
def _images() -> Iterator[Finding]:
    """Those of others come from a registry; ours are made by `build_images`."""
    wanted = sorted(_wanted())
    rows = Server.objects.filter(status=Server.Status.ACTIVE)
    for server in rows.order_by("name"):
        missing = _missing(probing_engine(server), wanted)
        if missing:
            yield problem(
                gettext_noop("The server {name} lacks images, so deployments fail: {images}."),
                gettext_noop(
                    "Run `python manage.py build_images`; it makes those of this machine. Bring"
                    " them to other servers by `docker save` and `docker load`."
                ),
                name=server.name,
                images=some(missing),
            )


def _wanted() -> set[str]:
    """Our own images in the release of each app that the catalogue offers now."""
    found = set()
    for app in services.catalogue():
        manifest = services.manifest_of(services.latest(app.key))
        found |= {one.image for one in manifest.services.values() if is_own(one.image)}
    return found


def _missing(engine: Engine, wanted: list[str]) -> list[str]:
    """Those that an engine does not have; none where it does not answer, as `hosts` tells."""
    found = []
    for name in wanted:
        try:
            engine.image(name)
        except EngineError as error:
            if error.code == ErrorCode.MISSING_IMAGE:
                found.append(name)
    return found
