"""What the clock does for the fleet; what may take long runs beside it."""

from apps.fleet import edge, expiring, probes, watching
from apps.fleet.background import Background
from apps.work.registry import every

_probing = Background("fleet.probe", probes.probe_all)
_rendering = Background("fleet.render", edge.render)
_healing = Background("fleet.heal", edge.refresh)


@every(0.25, "fleet.render")
def _render() -> bool:
    return edge.is_behind() and _rendering.start()


@every(5, "fleet.heal")
def _heal() -> bool:
    """Write the edge's files again where they were lost; nothing is written otherwise."""
    return _healing.start()


@every(probes.EVERY_S, "fleet.probe")
def _probe() -> bool:
    return _probing.start()


@every(1, "fleet.watch")
def _watch() -> None:
    watching.tend()


@every(watching.SWEEP_S, "fleet.sweep")
def _sweep() -> None:
    watching.sweep()


@every(60, "fleet.expiring")
def _tell_of_ends() -> int:
    return expiring.tell()
