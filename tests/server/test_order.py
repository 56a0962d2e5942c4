"""In which order an upgrade and a return go about things, and what each does when one fails."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dotmac.server import images
from dotmac.server import upgrade as upgrading
from dotmac.server.errors import SetupError
from dotmac.server.links import link
from dotmac.server.marks import SOME_TENANTS_FAILED
from dotmac.server.options import Options
from dotmac.server.releases import Release
from dotmac.server.terminal import Terminal
from tests.server.test_parts import laid_out, told


class Story:
    """What was done, in order; a step of `failing` fails."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.done: list[str] = []
        self.failing: dict[str, SetupError] = {}

    @property
    def terminal(self) -> Terminal:
        """Where it is said."""
        return Terminal()

    def manage(
        self,
        _options: Options,
        release: Release,
        _terminal: Any,
        *words: str,
        as_root: bool = False,
        watch: Callable[[str], None] | None = None,
    ) -> list[str]:
        """As dotmac.server.children has it."""
        self._do(f"{words[0]} {release.name}")
        return []

    def back_up(self, *_arguments: Any) -> None:
        """As dotmac.server.upgrade has it."""
        self._do("backup")

    def bring(self, release: Release, *, when_led: Callable[[], object] = lambda: None) -> None:
        """As a deployment does."""
        self._do(f"lead {release.name}")
        when_led()
        self._do(f"drain {release.name}")

    def is_at(self, _release: Release) -> bool:
        """It serves, if it is the current one."""
        return True

    def _do(self, what: str) -> None:
        self.done.append(what)
        if what in self.failing:
            raise self.failing[what]


@pytest.fixture
def story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Story:
    """A server with Docker: release 0.1 serves, 0.2 with a migration more is laid out beside it."""
    made = Story(told(tmp_path, RELEASE=str(tmp_path)))
    layout = made.options.layout
    old, new = laid_out(layout, "0.1"), laid_out(layout, "0.2")
    link(layout.current, old.home)
    migration = new.home / "apps/lists/migrations/0002_note.py"
    migration.parent.mkdir(parents=True)
    migration.touch()
    for module in (upgrading, images):
        monkeypatch.setattr(module, "manage", made.manage)
    monkeypatch.setattr(upgrading, "back_up", made.back_up)
    monkeypatch.setattr(upgrading, "lay_out", lambda *_arguments: new)
    monkeypatch.setattr(upgrading, "source_of", lambda _options: new.home)
    monkeypatch.setattr(upgrading, "Deployment", lambda *_arguments: made)
    return made


def said(story: Story, capsys: pytest.CaptureFixture[str], **values: str) -> str:
    """What an upgrade says to its end."""
    story.options = Options(story.options.layout, {**story.options.values, **values})
    upgrading.upgrade(story.options, Terminal())
    return capsys.readouterr().out


def test_images_are_built_before_the_catalogue_offers_what_runs_from_them(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    said(story, capsys)
    assert story.done[:5] == [
        "check 0.2",
        "build_images 0.2",
        "backup",
        "migrate_fleet 0.2",
        "platform_prepare 0.2",
    ]


def test_without_docker_there_are_no_images(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    said(story, capsys, DOTMAC_DOCKER="off")
    assert "build_images 0.2" not in story.done


def test_without_images_an_upgrade_goes_on_where_it_is_told_so(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    story.failing["build_images 0.2"] = SetupError("No network.")
    with pytest.raises(SetupError, match=r"No network.*\n.*Nothing was changed.*WITHOUT_IMAGES=1"):
        said(story, capsys)
    assert story.done == ["check 0.2", "build_images 0.2"]
    assert "WITHOUT_IMAGES=1: dedicated" in said(story, capsys, WITHOUT_IMAGES="1")
    assert "drain 0.2" in story.done


def test_going_back_has_the_images_of_the_release_before(story: Story) -> None:
    layout = story.options.layout
    link(layout.previous, (layout.releases / "0.2").resolve())
    upgrading.rollback(story.options, Terminal())
    assert story.done[:2] == ["check 0.2", "build_images 0.2"]


def test_going_back_waits_for_no_images(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    layout = story.options.layout
    link(layout.previous, (layout.releases / "0.2").resolve())
    story.failing["build_images 0.2"] = SetupError("No network.")
    upgrading.rollback(story.options, Terminal())
    assert "drain 0.2" in story.done
    assert "No network." in capsys.readouterr().out


AFTER_IMAGES = ["migrate_fleet 0.2", "platform_prepare 0.2", "lead 0.2", "migrate_fleet 0.2"]


def test_who_signs_up_meanwhile_is_brought_up_once_the_edge_leads_and_at_the_end(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    said(story, capsys)
    assert story.done[3:] == [*AFTER_IMAGES, "drain 0.2", "migrate_fleet 0.2"]


def test_going_forward_again_brings_up_who_signed_up_at_the_release_before(story: Story) -> None:
    layout = story.options.layout
    link(layout.previous, (layout.releases / "0.2").resolve())
    upgrading.rollback(story.options, Terminal())
    migrate = "migrate_fleet 0.2"
    assert story.done[2:] == [migrate, "lead 0.2", migrate, "drain 0.2", migrate]


def test_going_back_to_fewer_migrations_leaves_the_schemas_as_they_are(story: Story) -> None:
    layout = story.options.layout
    link(layout.previous, (layout.releases / "0.1").resolve())
    link(layout.current, (layout.releases / "0.2").resolve())
    upgrading.rollback(story.options, Terminal())
    assert story.done[2:] == ["lead 0.1", "drain 0.1"]


def test_a_release_that_serves_already_brings_up_whom_a_killed_upgrade_left(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    link(story.options.layout.current, (story.options.layout.releases / "0.2").resolve())
    assert "0.2 serves already" in said(story, capsys)
    assert story.done == ["migrate_fleet 0.2"]


def test_what_fails_once_the_new_release_serves_does_not_say_that_the_old_one_does(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    class Once(dict[str, SetupError]):
        """Fails from the second time on."""

        def __contains__(self, what: object) -> bool:
            return what == "migrate_fleet 0.2" and story.done.count("migrate_fleet 0.2") > 1

    story.failing = Once({"migrate_fleet 0.2": SetupError("It was killed.")})
    with pytest.raises(SetupError, match=r"0\.2 serves, but some tenants.*killed"):
        said(story, capsys)
    assert story.done[-2:] == ["drain 0.2", "migrate_fleet 0.2"]
    assert "tried again at the end" in capsys.readouterr().out


FAILED = SetupError("w_acme was not migrated.", code=SOME_TENANTS_FAILED)


def test_a_tenant_that_cannot_be_migrated_ends_the_upgrade_and_says_how_to_go_on(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    story.failing["migrate_fleet 0.2"] = FAILED
    with pytest.raises(SetupError, match=r"w_acme.*\n.*migration-failed.md.*WITHOUT_TENANTS=1"):
        said(story, capsys)
    assert story.done[-1] == "migrate_fleet 0.2"


def test_an_upgrade_goes_on_without_a_tenant_where_its_owner_says_so(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    story.failing["migrate_fleet 0.2"] = FAILED
    told_of = said(story, capsys, WITHOUT_TENANTS="1")
    assert "they answer 503" in told_of
    assert "w_acme was not migrated" in told_of
    assert story.done[-1] == "migrate_fleet 0.2"
    assert "drain 0.2" in story.done


def test_nothing_goes_on_without_all_tenants(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    story.failing["migrate_fleet 0.2"] = SetupError("The database is away.")
    with pytest.raises(SetupError, match="The database is away"):
        said(story, capsys, WITHOUT_TENANTS="1")
    assert "lead 0.2" not in story.done


def test_an_older_one_is_refused_by_its_packages_too_and_says_which_migration_it_lacks(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    layout = story.options.layout
    for name, there in (("0.1", ["0001_initial", "0002_more"]), ("0.2", ["0001_initial"])):
        home = layout.releases / name
        kinds = home / "config/kinds.py"
        kinds.parent.mkdir()
        kinds.write_text('APPS = ["allauth.account", "django_q"]\n')
        packages = home / ".venv/lib/python3.99/site-packages"
        for migration in there:
            file = packages / f"allauth/account/migrations/{migration}.py"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
        unused = packages / "elsewhere/migrations/0009_of_nobody.py"
        unused.parent.mkdir(parents=True)
        unused.touch()
    with pytest.raises(SetupError, match=r"lacks the migration allauth\.account\.0002_more"):
        said(story, capsys)
    assert story.done == []
    link(layout.current, (layout.releases / "0.2").resolve())
    link(layout.previous, (layout.releases / "0.1").resolve())
    upgrading.rollback(story.options, Terminal())
    assert "migrate_fleet 0.1" in story.done
