"""Publishing apps, withdrawing releases, and reading the catalogue."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from apps.core.exceptions import ConflictError, NotFoundError
from apps.events import services as events
from apps.events.actors import SYSTEM, Actor, Subject
from apps.marketplace.exceptions import InvalidManifestError
from apps.marketplace.models import App, Release
from apps.tenancy.kinds import operator
from dotmac.stack import Manifest, ManifestError, parse_manifest
from dotmac.stack.yaml_source import YamlError, load_yaml

BUILT_IN = Path(__file__).resolve().parent / "catalogue"
Source = Mapping[str, Any]


def publish(manifest: Source, *, actor: Actor = SYSTEM) -> Release:
    """Publish a version of an app, or adopt the same one published before.

    InvalidManifestError names the path of every mistake; ConflictError when this version was
    published with another content, since a published version never changes.
    """
    checked = _checked(manifest)
    content = json.loads(json.dumps(manifest))
    with operator(), transaction.atomic():
        app = _app(checked)
        release, is_new = Release.objects.get_or_create(
            app=app, version=checked.version, defaults={"manifest": content}
        )
        if release.manifest != content:
            raise ConflictError(
                _(
                    "%(app)s %(version)s is published with another manifest. Give the "
                    "changed one a new version."
                )
                % {"app": app, "version": checked.version},
                field="version",
            )
        if is_new:
            _describe(app, checked)
            events.record("release.published", actor=actor, subject=_subject(release))
    return release


def publish_folder(folder: Path = BUILT_IN, *, actor: Actor = SYSTEM) -> list[Release]:
    """Publish every manifest of a folder; InvalidManifestError names the file."""
    return [publish(_read(file), actor=actor) for file in sorted(folder.glob("*.yaml"))]


def withdraw(release: Release, *, actor: Actor) -> None:
    """Offer a release no more; what runs of it goes on. ConflictError when it is withdrawn."""
    with operator(), transaction.atomic():
        if not Release.objects.filter(pk=release.pk, is_withdrawn=False).update(is_withdrawn=True):
            raise ConflictError(_("%(release)s is withdrawn already.") % {"release": release})
        events.record("release.withdrawn", actor=actor, subject=_subject(release))
    release.is_withdrawn = True


@transaction.atomic
def set_listed(app: App, is_listed: bool, *, actor: Actor) -> bool:
    """Show an app in the catalogue or hide it; False when it is so already."""
    if not App.objects.filter(pk=app.pk, is_listed=not is_listed).update(is_listed=is_listed):
        return False
    about = Subject("app", app.key, app.title)
    what = "app.listed" if is_listed else "app.unlisted"
    events.record(what, actor=actor, subject=about)
    return True


def latest(app_key: str) -> Release:
    """The release of an app that was published last and is not withdrawn; NotFoundError."""
    found = _offered(app_key).order_by("-published_at", "-pk").first()
    if found is None:
        raise NotFoundError(
            _("The catalogue offers no app “%(app_key)s”. Choose another.") % {"app_key": app_key}
        )
    return found


def release(app_key: str, version: str) -> Release:
    """A release by its version, also a withdrawn one, since it may still run; NotFoundError."""
    rows = Release.objects.select_related("app").filter(app__key=app_key, version=version)
    found = rows.first()
    if found is None:
        raise NotFoundError(
            _("The catalogue has no version %(version)s of “%(app_key)s”.")
            % {"version": version, "app_key": app_key}
        )
    return found


def catalogue() -> QuerySet[App]:
    """The apps that are listed and have a release on offer, by title."""
    offered = Release.objects.filter(app=OuterRef("pk"), is_withdrawn=False)
    return App.objects.filter(Exists(offered), is_listed=True)


def manifest_of(release: Release) -> Manifest:
    """The manifest of a published release."""
    return parse_manifest(release.manifest)


def _offered(app_key: str) -> QuerySet[Release]:
    rows = Release.objects.filter(app__key=app_key, is_withdrawn=False)
    return rows.select_related("app")


def _checked(manifest: Source) -> Manifest:
    try:
        return parse_manifest(manifest)
    except ManifestError as error:
        name = str(manifest.get("name", "")) if isinstance(manifest, Mapping) else ""
        raise InvalidManifestError(
            f"The manifest of {name or 'this app'} cannot be published.\n{error}",
            problems=error.problems,
        ) from None


def _app(manifest: Manifest) -> App:
    """The app's row, which stays locked: two versions published at once come one by one."""
    App.objects.get_or_create(key=manifest.name, defaults={"title": manifest.title})
    return App.objects.select_for_update().get(key=manifest.name)


def _describe(app: App, manifest: Manifest) -> None:
    """Let the app look as its newest release says."""
    app.title, app.summary = manifest.title, manifest.summary
    app.description, app.icon = manifest.description, manifest.icon or ""
    app.save(update_fields=["title", "summary", "description", "icon"])


def _read(file: Path) -> Source:
    try:
        tree = load_yaml(file.read_text())
    except YamlError as error:
        raise InvalidManifestError(f"{file.name}: {error}", problems=[]) from None
    if not isinstance(tree, Mapping):
        raise InvalidManifestError(f"{file.name} holds no manifest.", problems=[])
    return tree


def _subject(release: Release) -> Subject:
    return Subject("release", str(release), str(release))
