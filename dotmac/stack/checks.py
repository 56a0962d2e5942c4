"""What no single part of a manifest can tell: references, overlaps and sums."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, combinations

from dotmac.stack.environment import check_value
from dotmac.stack.errors import Problem
from dotmac.stack.manifest import BUILT_INS, Manifest, Service, Variable
from dotmac.stack.references import is_unclosed, references
from dotmac.stack.resources import resources
from dotmac.stack.types import is_inside

# Above any single server: a sum beyond these is a slip of the unit.
MAXIMUM_MEMORY = 2**40
MAXIMUM_CORES = 256
MAXIMUM_DISK = 64 * 2**40


def find_problems(manifest: Manifest) -> list[Problem]:
    """Return every mistake across the parts of a manifest, in the order of its sections."""
    return list(
        chain(
            _public_problems(manifest),
            *(_service_problems(manifest, *item) for item in manifest.services.items()),
            _unused_volumes(manifest),
            _repeated(manifest),
            *(_variable_problems(variable) for variable in manifest.environment),
            _unknown_services(manifest),
            _console_problems(manifest),
            _part_problems(manifest),
            _sum_problems(manifest),
        )
    )


def _public_problems(manifest: Manifest) -> Iterator[Problem]:
    public = [name for name, service in manifest.services.items() if service.public]
    if not public:
        yield Problem("services", "No service is public; mark the one that answers HTTP.")
    for name in public[1:]:
        yield Problem(f"services.{name}.public", f"Only one may be public, and {public[0]} is.")
    for name in public[:1]:
        if manifest.services[name].port is None:
            yield Problem(f"services.{name}.port", "The public service needs the port it answers.")


def _service_problems(manifest: Manifest, name: str, service: Service) -> Iterator[Problem]:
    path = f"services.{name}"
    for volume in service.volumes:
        if volume not in manifest.volumes:
            yield Problem(f"{path}.volumes.{volume}", "Declare this volume under `volumes`.")
    for inner, outer in _overlaps([*service.volumes.values(), *service.tmpfs]):
        yield Problem(f"{path}.volumes", f"{inner} lies in {outer}; mount them apart.")
    known = {variable.name for variable in manifest.environment}.union(BUILT_INS)
    for key, text in service.environment.items():
        yield from _reference_problems(f"{path}.environment.{key}", text, known)


def _reference_problems(path: str, text: str, known: set[str]) -> Iterator[Problem]:
    for name in references(text):
        if name not in known:
            yield Problem(path, f"{name or 'An empty name'} is declared nowhere in `environment`.")
    if is_unclosed(text):
        yield Problem(path, "A ${ is not closed; close it, or write $$ for a dollar sign.")


def _overlaps(targets: list[str]) -> Iterator[tuple[str, str]]:
    """Yield pairs of inner and outer path."""
    for one, other in combinations(targets, 2):
        inner, outer = (one, other) if len(one) >= len(other) else (other, one)
        if is_inside(inner, outer):
            yield inner, outer


def _unused_volumes(manifest: Manifest) -> Iterator[Problem]:
    mounted = set(chain.from_iterable(service.volumes for service in manifest.services.values()))
    for name in manifest.volumes:
        if name not in mounted:
            yield Problem(f"volumes.{name}", "No service mounts this volume; mount or remove it.")


def _repeated(manifest: Manifest) -> Iterator[Problem]:
    variables = (variable.name for variable in manifest.environment)
    consoles = (console.name for console in manifest.consoles)
    for section, names in (
        ("environment", variables),
        ("consoles", consoles),
        ("permissions", iter(manifest.permissions)),
    ):
        for name in _twice(names):
            yield Problem(f"{section}.{name}", f"{name} is listed twice; keep one.")


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _variable_problems(variable: Variable) -> Iterator[Problem]:
    path = f"environment.{variable.name}"
    if variable.name in BUILT_INS:
        yield Problem(f"{path}.name", "The platform gives this name its value; choose another.")
    if (variable.type == "choice") != bool(variable.choices):
        yield Problem(f"{path}.choices", "Choices belong to the type choice, and it needs some.")
    if variable.generate and (variable.type != "secret" or variable.default is not None):
        yield Problem(f"{path}.generate", "Only a secret without a default is generated.")
    elif variable.default:
        yield from _default_problems(f"{path}.default", variable, variable.default)


def _default_problems(path: str, variable: Variable, default: str) -> Iterator[Problem]:
    if variable.type == "secret":
        yield Problem(path, "A secret that stands in a manifest is none; use `generate`.")
        return
    try:
        check_value(variable, default)
    except ValueError as error:
        yield Problem(path, str(error))


def _unknown_services(manifest: Manifest) -> Iterator[Problem]:
    named = [
        (f"{section}.service", part.service)
        for section, part in (
            ("health", manifest.health),
            ("release", manifest.release),
            ("backup", manifest.backup),
        )
        if part is not None
    ]
    named += [
        (f"consoles.{console.name}.service", console.service) for console in manifest.consoles
    ]
    for path, service in named:
        if service is not None and service not in manifest.services:
            yield Problem(path, f"There is no service {service}; name one of `services`.")


def _console_problems(manifest: Manifest) -> Iterator[Problem]:
    for console in manifest.consoles:
        if console.kind == "shell" and not console.command:
            yield Problem(f"consoles.{console.name}.command", "A shell needs the command to run.")


def _part_problems(manifest: Manifest) -> Iterator[Problem]:
    health = manifest.services.get(manifest.health.service or "")
    if health is not None and health.port is None:
        yield Problem("health.service", "This service has no port to ask; give it one.")
    schema, backup = manifest.data_schema, manifest.backup
    if schema is not None and schema.compatible_from > schema.version:
        yield Problem("schema.compatible_from", "This may not be above the version itself.")
    if backup is not None and not (backup.before or backup.after or backup.dump):
        yield Problem("backup", "Name at least one of before, after and dump, or remove this.")


def _sum_problems(manifest: Manifest) -> Iterator[Problem]:
    total = resources(manifest)
    if total.memory_bytes > MAXIMUM_MEMORY:
        yield Problem("services", "All services together ask for more than 1T of memory; lower it.")
    if total.nano_cpus > MAXIMUM_CORES * 10**9:
        yield Problem("services", f"All services together ask for over {MAXIMUM_CORES} cores.")
    if total.disk_bytes > MAXIMUM_DISK:
        yield Problem("volumes", "All volumes together ask for more than 64T of disk; lower it.")
