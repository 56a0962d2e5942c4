"""Publishing apps by their manifests alone, and what the catalogue offers."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.core.exceptions import ConflictError, NotFoundError
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.marketplace import services
from apps.marketplace.exceptions import InvalidManifestError
from apps.marketplace.models import App, Release
from dotmac.stack import InstanceFacts, plan_stack, resolve_environment

BUILT_IN = sorted(services.BUILT_IN.glob("*.yaml"))
# What the platform tells a workspace about itself.
GIVEN = {
    "dotmac-isp": dict.fromkeys(
        [
            "FIELD_KEYS",
            "INSTANCE_SIGNING_KEY",
            "PLATFORM_VERIFY_KEYS",
            "BASE_DOMAIN",
            "APPS_DOMAIN",
            "WORKSPACE_UUID",
            "WORKSPACE_SCHEMA",
            "WORKSPACE_SLUG",
            "WORKSPACE_NAME",
            "WORKSPACE_HOSTNAMES",
            "OWNER_EMAIL",
            "OWNER_IDENTITY",
        ],
        "given",
    ),
    "radicale": {"PASSWORD": "correct horse"},
}
pytestmark = pytest.mark.usefixtures("operator_schema")


def test_a_published_app_is_in_the_catalogue(manifest):
    release = services.publish(manifest)
    assert [app.title for app in services.catalogue()] == ["Notes"]
    assert services.latest("notes") == release == services.release("notes", "1.0")
    assert services.manifest_of(release).services["web"].port == 8080
    assert Event.objects.get().type == "release.published"


def test_publishing_the_same_again_changes_nothing(manifest):
    assert services.publish(manifest) == services.publish(manifest)
    assert Event.objects.count() == 1


def test_a_published_version_never_changes(manifest):
    services.publish(manifest)
    manifest["services"]["web"]["image"] = "notes:1.1"
    with pytest.raises(ConflictError, match=r"Notes 1\.0 is published .* new version"):
        services.publish(manifest)
    assert services.latest("notes").manifest["services"]["web"]["image"] == "notes:1.0"


def test_the_newest_release_says_how_the_app_looks(manifest):
    services.publish(manifest)
    services.publish({**manifest, "version": "1.1", "title": "Notes and more"})
    assert services.latest("notes").version == "1.1"
    assert App.objects.get().title == "Notes and more"


def test_every_mistake_of_a_manifest_is_named_by_its_path(manifest):
    manifest["services"]["web"]["memory"] = "lots"
    manifest["services"]["web"]["prot"] = 80
    with pytest.raises(InvalidManifestError) as error:
        services.publish(manifest)
    assert "services.web.memory: Write a number and its unit" in error.value.message
    paths = {problem["path"] for problem in error.value.extra["problems"]}
    assert paths == {"services.web.memory", "services.web.prot"}
    assert not App.objects.exists()


@pytest.mark.parametrize("broken", [[], "name: notes", None])
def test_what_is_no_manifest_at_all_is_refused(broken):
    with pytest.raises(InvalidManifestError):
        services.publish(broken)


def test_a_withdrawn_release_is_not_offered_and_still_known(manifest):
    first = services.publish(manifest)
    second = services.publish({**manifest, "version": "1.1"})
    services.withdraw(second, actor=SYSTEM)
    assert services.latest("notes") == first
    assert services.release("notes", "1.1").is_withdrawn
    with pytest.raises(ConflictError, match="withdrawn already"):
        services.withdraw(second, actor=SYSTEM)
    services.withdraw(first, actor=SYSTEM)
    assert not services.catalogue().exists()
    with pytest.raises(NotFoundError, match="offers no app “notes”"):
        services.latest("notes")


def test_an_unknown_version_is_named(manifest):
    services.publish(manifest)
    with pytest.raises(NotFoundError, match="no version 9 of “notes”"):
        services.release("notes", "9")


def test_a_console_reads_the_catalogue_of_the_platform(manifest, acme, in_console):
    services.publish(manifest)
    with in_console(acme):
        assert services.latest("notes").app.title == "Notes"
        services.publish({**manifest, "version": "2.0"})
    assert Event.objects.filter(type="release.published").count() == 2


def test_the_built_in_apps_are_published_once():
    for _ in range(2):
        out = StringIO()
        call_command("publish_catalogue", stdout=out)
    assert "dotmac-isp 0.1.0" in out.getvalue()
    assert {app.key for app in services.catalogue()} == {"dotmac-isp", "radicale"}
    assert Release.objects.count() == 2


@pytest.mark.parametrize("file", BUILT_IN, ids=[file.stem for file in BUILT_IN])
def test_a_built_in_app_can_be_planned(file: Path):
    manifest = services.manifest_of(services.publish(services._read(file)))
    assert manifest.name == file.stem
    environment = resolve_environment(manifest, GIVEN[manifest.name], kept={})
    facts = InstanceFacts(
        "0" * 32, 1, "1" * 32, "x.apps.localhost", "https://x.apps.localhost", environment
    )
    plan = plan_stack(manifest, instance=facts)
    assert all(one.read_only and not one.capabilities for one in plan.containers)
    for container in plan.containers:
        unset = [name for name, value in container.environment.items() if "${" in value]
        assert not unset


def test_a_folder_with_a_broken_manifest_names_the_file(tmp_path):
    (tmp_path / "bad.yaml").write_text("name: [")
    with pytest.raises(CommandError, match=r"bad\.yaml: The YAML cannot be read in line 1"):
        call_command("publish_catalogue", str(tmp_path))
