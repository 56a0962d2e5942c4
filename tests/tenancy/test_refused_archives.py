"""What import refuses: cut, altered, too new, of another kind, or where somebody is already."""

import hashlib
import json
import random
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings

from apps.tenancy.exceptions import (
    DamagedArchiveError,
    ForeignArchiveError,
    PlaceTakenError,
)
from apps.tenancy.kinds import schema_exists
from apps.tenancy.models import Domain, Tenant
from apps.tenancy.transfer import archive as layout
from apps.tenancy.transfer.exporting import export_schema
from apps.tenancy.transfer.importing import import_archive
from config import kinds
from tests.live import module_database
from tests.tenancy.moving import new_isp, passing

__all__ = ["module_database"]


@pytest.fixture(scope="module")
def isp(module_database: str) -> Iterator[Tenant]:
    """A small workspace."""
    connection.set_schema_to_public()
    tenant = new_isp(3)
    with passing(tenant):
        yield tenant


@pytest.fixture(scope="module")
def whole(isp: Tenant, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Its archive."""
    path = tmp_path_factory.mktemp("whole") / "isp.dotmac"
    export_schema(isp, path)
    return path.read_bytes()


@pytest.fixture
def refused(isp: Tenant, tmp_path: Path) -> Callable[..., None]:
    """`refused(content, error, match)` imports it in vain, and nothing is left."""

    def check(
        content: bytes, error: type[Exception], match: str = "", slug: str = "nobody"
    ) -> None:
        path = tmp_path / "refused.dotmac"
        path.write_bytes(content)
        with pytest.raises(error, match=match):
            import_archive(path, slug=slug)
        assert not schema_exists("w_nobody")
        assert not Tenant.objects.filter(slug="nobody").exists()
        assert not Domain.objects.filter(domain__startswith="nobody.").exists()

    return check


def resealed(content: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """The same archive with another manifest, as somebody writes it who knows the format."""
    length = json_length(content)
    manifest = json.loads(content[layout.BLOCK : layout.BLOCK + length])
    change(manifest)
    text = json.dumps(manifest).encode()
    rest = content[layout.BLOCK + layout._filled(length) :]
    tables = rest[: len(rest) - 2 * layout.BLOCK - 2 * layout.BLOCK]
    seal = hashlib.sha256(text).hexdigest().encode() + b"\n"
    return b"".join(
        [
            layout._header(layout.MANIFEST, len(text)),
            text + layout._padding(len(text)),
            tables,
            layout._header(layout.SEAL, len(seal)),
            seal + layout._padding(len(seal)),
            bytes(2 * layout.BLOCK),
        ]
    )


def json_length(content: bytes) -> int:
    """Bytes of the manifest."""
    return int(content[124:135], 8)


def test_a_resealed_archive_is_taken_so_that_the_others_are_refused_for_what_they_say(
    isp: Tenant, whole: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "same.dotmac"
    path.write_bytes(resealed(whole, lambda _manifest: None))
    with passing(import_archive(path, slug="nobody").tenant):
        assert schema_exists("w_nobody")


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.05, 0.3, 0.7, 0.99, 0.999999])
def test_a_file_that_was_cut_is_refused(
    whole: bytes, refused: Callable[..., None], share: float
) -> None:
    refused(whole[: int(len(whole) * share)], DamagedArchiveError)


def test_what_was_added_is_refused(whole: bytes, refused: Callable[..., None]) -> None:
    refused(whole + b"\0", DamagedArchiveError, "added")


def test_a_file_of_something_else_is_refused(refused: Callable[..., None]) -> None:
    refused(b"PK\3\4" + bytes(4096), DamagedArchiveError, "no archive")


def places(content: bytes) -> list[int]:
    """Bytes of every sort: manifest, headers, data, padding, the digest, the end."""
    chance = random.Random(7)
    size, length = len(content), json_length(content)
    manifest = [0, 100, 140, 200, layout.BLOCK + 5, layout.BLOCK + length - 1]
    second = layout.BLOCK + layout._filled(length)
    header = [second, second + 110, second + 130, second + 300, second + layout.BLOCK]
    subscriber = content.index(b"tables/subscribers_subscriber.copy")
    data = [subscriber + layout.BLOCK + 9, content.index(b"s1@example.org") + 1]
    end = [size - 1, size - 600, size - 1024 - 500, size - 1024 - 400, size - 1024 - 1000]
    return manifest + header + data + end + [chance.randrange(size) for _turn in range(12)]


def test_a_file_of_which_any_byte_was_altered_is_refused(
    whole: bytes, refused: Callable[..., None]
) -> None:
    for place in places(whole):
        altered = bytearray(whole)
        altered[place] ^= 1
        refused(bytes(altered), DamagedArchiveError)


def test_a_row_more_than_its_manifest_says_is_refused(
    whole: bytes, refused: Callable[..., None]
) -> None:
    def say_less(manifest: dict[str, Any]) -> None:
        table = next(t for t in manifest["tables"] if t["name"] == "subscribers_subscriber")
        table["rows"] -= 1

    refused(resealed(whole, say_less), DamagedArchiveError, "holds 3 rows")


def test_a_newer_format_is_refused(whole: bytes, refused: Callable[..., None]) -> None:
    newer = resealed(whole, lambda manifest: manifest.update(format=2, more="x"))
    refused(newer, ForeignArchiveError, "format 2")


def test_migrations_that_are_not_known_are_named(
    whole: bytes, refused: Callable[..., None]
) -> None:
    def add(manifest: dict[str, Any]) -> None:
        manifest["migrations"].append(["billing", "0999_from_the_future"])

    refused(resealed(whole, add), ForeignArchiveError, "billing.0999_from_the_future")


def test_tables_that_migrations_did_not_make_reach_no_statement(
    whole: bytes, refused: Callable[..., None]
) -> None:
    def rename(manifest: dict[str, Any]) -> None:
        manifest["tables"][0]["name"] = "pg_authid"

    refused(resealed(whole, rename), DamagedArchiveError, "pg_authid")

    def inject(manifest: dict[str, Any]) -> None:
        manifest["tables"][0]["columns"][0] = "id\") FROM PROGRAM 'id' --"

    refused(resealed(whole, inject), DamagedArchiveError, "manifest")


def test_another_kind_is_refused(whole: bytes, refused: Callable[..., None]) -> None:
    def console(manifest: dict[str, Any]) -> None:
        manifest.update(kind="console")

    refused(resealed(whole, console), DamagedArchiveError, "none of a console")

    def both(manifest: dict[str, Any]) -> None:
        manifest.update(kind="console", schema_name="c_nobody")

    refused(resealed(whole, both), DamagedArchiveError, "not those of its migrations")


def test_a_kind_that_this_installation_does_not_have_is_refused(
    whole: bytes, refused: Callable[..., None]
) -> None:
    only = {"public": kinds.tenant_types(kinds.PLATFORM)["public"]}
    with override_settings(TENANT_TYPES=only):
        refused(whole, ForeignArchiveError, "no tenants of the kind")


def test_the_operators_own_schema_is_never_made(whole: bytes, refused: Callable[..., None]) -> None:
    public = resealed(whole, lambda m: m.update(kind="public", schema_name="public"))
    refused(public, ForeignArchiveError, "public")
    spare = resealed(whole, lambda m: m.update(schema_name="w__template"))
    refused(spare, DamagedArchiveError, "none of a workspace", slug="")


def test_who_is_there_already_stays(
    isp: Tenant, whole: bytes, refused: Callable[..., None]
) -> None:
    refused(whole, PlaceTakenError, "already", slug="")
    refused(whole, PlaceTakenError, "already", slug=isp.slug)
    for slug in ("admin", "UPPER", "a--b", "x"):
        refused(whole, PlaceTakenError, "slug", slug=slug)


def test_a_host_or_schema_of_somebody_is_not_taken(
    isp: Tenant, whole: bytes, refused: Callable[..., None], tmp_path: Path
) -> None:
    domain = Domain.objects.create(domain=f"others.{settings.APPS_DOMAIN}", tenant=isp)
    refused(whole, PlaceTakenError, "leads to another tenant", slug="others")
    domain.delete()
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA w_somebodys")
    refused(whole, PlaceTakenError, "schema w_somebodys", slug="somebodys")
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA w_somebodys")


def test_the_commands_say_what_they_did_and_what_was_wrong(isp: Tenant, tmp_path: Path) -> None:
    path, out = tmp_path / "isp.dotmac", StringIO()
    call_command("export_tenant", isp.slug, to=path, stdout=out)
    assert f"{isp.schema_name}: " in out.getvalue()
    with pytest.raises(CommandError, match="is there already"):
        call_command("export_tenant", isp.slug, to=path)
    call_command("export_tenant", isp.schema_name, to=path, replace=True, stdout=out)
    with pytest.raises(CommandError, match="No tenant of this database"):
        call_command("export_tenant", "nobody-at-all", to=tmp_path / "y")
    with pytest.raises(CommandError, match="more than one schema"):
        call_command("export_tenant", "acme", to=tmp_path / "y")
    with pytest.raises(CommandError, match="No tenant"):
        call_command("export_tenant", "public", to=tmp_path / "y")
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("export_tenant", isp.slug, to=tmp_path / "none" / "y")
    with pytest.raises(CommandError, match="Nothing was imported"):
        call_command("import_tenant", path)
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_tenant", tmp_path / "none")
    call_command("import_tenant", path, slug="nobody", stdout=out)
    with passing(Tenant.objects.get(slug="nobody")):
        assert f"it is at nobody.{settings.APPS_DOMAIN}" in out.getvalue()


def test_a_dedicated_workspace_is_exported_where_it_lies(isp: Tenant, tmp_path: Path) -> None:
    with (
        passing(
            Tenant.objects.create(
                schema_name="w_faraway", kind="workspace", slug="faraway", name="F", is_local=False
            )
        ),
        pytest.raises(CommandError, match="in its container"),
    ):
        call_command("export_tenant", "faraway", to=tmp_path / "y")
