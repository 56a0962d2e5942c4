"""Every change of an instance a person can ask for."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.core.exceptions import ConflictError
from apps.events import services as events
from apps.events.actors import Actor
from apps.events.differences import CHANGED, differences
from apps.fleet import services as fleet
from apps.instances.constants import NAME_LENGTH, WORKSPACE_APP
from apps.instances.exceptions import InstanceQuotaError, InvalidSettingsError
from apps.instances.models import Instance
from apps.instances.sealed import opened, seal
from apps.instances.workspace import organisation_here, platform_settings
from apps.marketplace import services as marketplace
from apps.marketplace.models import Release
from apps.operations import services as operations
from apps.operations.models import Operation
from apps.tenancy.kinds import current_schema
from apps.tenants.models import Organisation
from apps.tenants.plans import entitlements_of
from dotmac.stack import ManifestError, parse_manifest, resolve_environment

# What each change needs the instance to be, and the operation that makes it.
CHANGES: dict[str, tuple[set[str], str]] = {
    "stop": ({Instance.Status.ACTIVE}, "instances.stop"),
    "start": ({Instance.Status.STOPPED}, "instances.start"),
    "suspend": ({Instance.Status.ACTIVE, Instance.Status.STOPPED}, "instances.suspend"),
    "resume": ({Instance.Status.SUSPENDED}, "instances.start"),
    "archive": (
        {
            Instance.Status.ACTIVE,
            Instance.Status.STOPPED,
            Instance.Status.SUSPENDED,
            Instance.Status.FAILED,
        },
        "instances.archive",
    ),
}


@transaction.atomic
def create_instance(
    *,
    app: str,
    name: str,
    hostname: str,
    hosting: str,
    region: str,
    actor: Actor,
    environment: Mapping[str, str] | None = None,
) -> Instance:
    """A new instance, not deployed yet; QuotaError when the plan has no room for it."""
    _check_quota(organisation_here())
    instance = Instance(
        app=app,
        name=name,
        hostname=hostname,
        hosting=hosting,
        region=region,
    )
    _keep_settings(instance, environment or {})
    try:
        with transaction.atomic():
            instance.save(force_insert=True)
    except IntegrityError as error:
        raise ConflictError(
            _(
                "There is already an instance at %(hostname)s. Open it; an archived one "
                "is deployed again on its own page."
            )
            % {"hostname": hostname},
            field="app",
        ) from error
    facts = {"app": app, "hosting": hosting, "hostname": hostname}
    events.record("instance.created", actor=actor, subject=instance, data=facts)
    return instance


@transaction.atomic
def install(
    *, app: str, actor: Actor, name: str = "", environment: Mapping[str, str] | None = None
) -> Operation:
    """Deploy an app of the catalogue at `<slug>--<app>.<apps domain>`.

    InvalidSettingsError names each setting that the app refuses or lacks.
    """
    if app == WORKSPACE_APP:
        raise ConflictError(_("An organisation has one workspace, and it is there."), field="app")
    release = marketplace.latest(app)
    _check_settings(Instance(app=app), environment or {})
    organisation = organisation_here()
    instance = create_instance(
        app=app,
        name=name or release.app.title,
        hostname=f"{organisation.slug}--{app}.{_apps_domain(organisation)}",
        hosting=Instance.Hosting.DEDICATED,
        region=organisation.region,
        environment=environment,
        actor=actor,
    )
    return deploy(instance, actor=actor)


@transaction.atomic
def deploy(instance: Instance, *, actor: Actor, release: str = "") -> Operation:
    """Put a release of an instance in place (the newest by default).

    BusyError while it changes, ConflictError where it cannot be deployed, QuotaError when the
    plan has no room to bring an archived one back.
    """
    instance.refresh_from_db()
    if instance.hosting == Instance.Hosting.SHARED:
        raise ConflictError(
            _(
                "%(name)s is shared and always runs the platform's release. Choose a "
                "plan with dedicated hosting to deploy it."
            )
            % {"name": instance.name}
        )
    check_deploy(instance)
    if instance.status == Instance.Status.ARCHIVED:
        _check_quota(organisation_here())
    wanted = marketplace.release(instance.app, release) if release else None
    version = (wanted or marketplace.latest(instance.app)).version
    return operations.start(
        "instances.deploy", subject=instance, actor=actor, params={"release": version}
    )


def check_deploy(instance: Instance) -> None:
    """ConflictError while nothing is deployed to an instance."""
    if instance.status == Instance.Status.SUSPENDED:
        raise ConflictError(
            _("%(name)s is suspended. Resume it first, then deploy it.") % {"name": instance.name}
        )


@transaction.atomic
def change_settings(instance: Instance, settings: Mapping[str, str], *, actor: Actor) -> Operation:
    """Change the settings of an instance and deploy it with them.

    Secret ones go into the encrypted part; an empty secret leaves the old one, and any other
    empty setting goes back to its default. InvalidSettingsError names what the app refuses.
    """
    _check_settings(instance, settings)
    before = instance.environment
    _keep_settings(instance, settings)
    Instance.objects.filter(pk=instance.pk).update(
        environment=instance.environment, sealed=instance.sealed
    )
    # Of secret ones only the names.
    after = {name: instance.environment.get(name) for name in {**before, **instance.environment}}
    facts = {"names": sorted(settings), CHANGED: differences(before, after)}
    events.record("instance.settings_changed", actor=actor, subject=instance, data=facts)
    return deploy(instance, actor=actor, release=instance.release)


@transaction.atomic
def note_opened(instance: Instance, *, actor: Actor) -> None:
    """Record that somebody went from the console into an instance."""
    events.record("instance.opened", actor=actor, subject=instance)


@transaction.atomic
def change(instance: Instance, what: str, *, actor: Actor, reason: str = "") -> Operation:
    """Stop, start, suspend, resume or archive; ConflictError in a status that does not allow it."""
    _sources, pipeline = CHANGES[what]
    instance.refresh_from_db()
    check_change(instance, what)
    params = {"what": what, "reason": reason}
    return operations.start(pipeline, subject=instance, actor=actor, params=params)


def check_change(instance: Instance, what: str) -> None:
    """ConflictError in a status that does not allow a change."""
    if what == "archive" and instance.hosting == Instance.Hosting.SHARED:
        raise ConflictError(
            _(
                "%(name)s is shared and has no containers of its own to remove. Stop or "
                "suspend it instead."
            )
            % {"name": instance.name}
        )
    if what not in possible_changes(instance):
        raise ConflictError(
            _("%(what)s is %(state)s, so it cannot be %(done)s.")
            % {
                "what": instance.name,
                "state": instance.get_status_display().lower(),
                "done": _DONE[what],
            }
        )


def possible_changes(instance: Instance) -> list[str]:
    """What can be asked of an instance in its present status; a shared one is never archived."""
    possible = [what for what, (sources, _name) in CHANGES.items() if instance.status in sources]
    is_shared = instance.hosting == Instance.Hosting.SHARED
    return [what for what in possible if not (is_shared and what == "archive")]


def release_of(instance: Instance) -> Release:
    """The release that an instance runs, or the newest one before its first deployment."""
    if instance.release:
        return marketplace.release(instance.app, instance.release)
    return marketplace.latest(instance.app)


@transaction.atomic
def create_shared_workspace(organisation: Organisation, *, actor: Actor) -> Instance:
    """The workspace of a small ISP: there at once, since the platform itself serves it."""
    instance = create_instance(
        app=WORKSPACE_APP,
        name=_workspace_name(organisation),
        hostname=workspace_host_of(organisation),
        hosting=Instance.Hosting.SHARED,
        region=organisation.region,
        actor=actor,
    )
    serve_by_platform(instance)
    instance.move_to(Instance.Status.ACTIVE)
    events.record("instance.deployed", actor=actor, subject=instance, data={"hosting": "shared"})
    return instance


def serve_by_platform(instance: Instance) -> None:
    """A place on the platform for a shared workspace, and the route that leads there."""
    console = current_schema()
    fleet.place_on_platform(
        instance=instance.uuid,
        instance_name=instance.name,
        schema=console,
        deployment=0,
        operation=instance.uuid,
    )
    fleet.set_route(
        hostname=instance.hostname,
        schema=console,
        instance=instance.uuid,
        upstreams=[],
    )


@transaction.atomic
def create_dedicated_workspace(organisation: Organisation, *, actor: Actor) -> Operation:
    """The workspace of an ISP with hosting of its own: its deployment begins at once."""
    instance = create_instance(
        app=WORKSPACE_APP,
        name=_workspace_name(organisation),
        hostname=workspace_host_of(organisation),
        hosting=Instance.Hosting.DEDICATED,
        region=organisation.region,
        actor=actor,
    )
    return deploy(instance, actor=actor)


def allowed_instances(entitlements: Mapping[str, Any]) -> int:
    """How many instances a plan holds that are not archived."""
    return int(entitlements.get("max_instances", 1))


def _check_quota(organisation: Organisation) -> None:
    # Two requests at once must not both find the last place free.
    Organisation.objects.select_for_update().get(pk=organisation.pk)
    allowed = allowed_instances(entitlements_of(organisation))
    used = Instance.objects.exclude(status=Instance.Status.ARCHIVED).count()
    if used >= allowed:
        raise InstanceQuotaError(
            ngettext(
                "Your plan allows %(allowed)s instance, and you have %(used)s. "
                "Archive one, or choose a larger plan.",
                "Your plan allows %(allowed)s instances, and you have %(used)s. "
                "Archive one, or choose a larger plan.",
                allowed,
            )
            % {"allowed": allowed, "used": used},
            field="app",
        )


def _keep_settings(instance: Instance, settings: Mapping[str, str]) -> None:
    """Plain settings stay readable, secret ones go into the encrypted part."""
    if settings:
        manifest = parse_manifest(release_of(instance).manifest)
        secret = {v.name for v in manifest.environment if v.type == "secret"}
        plain = {k: v for k, v in settings.items() if k not in secret}
        instance.environment = {k: v for k, v in {**instance.environment, **plain}.items() if v}
        hidden = {k: v for k, v in settings.items() if k in secret and v}
        kept = {k: v for k, v in opened(instance).items() if settings.get(k) != "" or k in secret}
        instance.sealed = seal({**kept, **hidden})


def _check_settings(instance: Instance, settings: Mapping[str, str]) -> None:
    """Refuse now what the first step of a deployment would refuse."""
    manifest = parse_manifest(release_of(instance).manifest)
    kept = opened(instance)
    given = {**settings, **platform_settings(instance, kept)}
    try:
        resolve_environment(manifest, given, kept=kept)
    except ManifestError as error:
        raise InvalidSettingsError(error.problems) from error


def _workspace_name(organisation: Organisation) -> str:
    longest = NAME_LENGTH - len(" workspace")
    return f"{organisation.name[:longest]} workspace"


def workspace_host_of(organisation: Organisation) -> str:
    """Where its workspace is."""
    return f"{organisation.slug}.{_apps_domain(organisation)}"


def _apps_domain(organisation: Organisation) -> str:
    assert organisation.workspace is not None
    primary = organisation.workspace.domains.get(is_primary=True).domain
    return primary.partition(".")[2]


_DONE = {
    "stop": gettext_lazy("stopped"),
    "start": gettext_lazy("started"),
    "suspend": gettext_lazy("suspended"),
    "resume": gettext_lazy("resumed"),
    "archive": gettext_lazy("archived"),
}
