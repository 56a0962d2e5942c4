"""The platform's key pair, and the addresses that are built from the settings."""

import stat
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from apps.accounts.addresses import console_url, local_path, platform_url, workspace_url
from apps.accounts.keys import signing_key, verify_keys
from dotmac.crypto.keys import SigningKey


def test_a_development_key_is_made_once_and_for_its_owner_only(
    settings: Any, tmp_path: Path
) -> None:
    settings.PLATFORM_SIGNING_KEY = ""
    first = signing_key()
    file = tmp_path / "keys" / "platform.pem"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert signing_key().key_id == first.key_id
    assert [path.name for path in file.parent.iterdir()] == ["platform.pem"]
    assert verify_keys() == (first.public,)


def test_a_key_of_the_environment_comes_first(settings: Any, tmp_path: Path) -> None:
    key, older = SigningKey.generate(), SigningKey.generate()
    settings.PLATFORM_SIGNING_KEY = key.to_pem().reveal().replace("\n", "\\n")
    settings.PLATFORM_VERIFY_KEYS = [older.public.to_pem()]
    assert signing_key().key_id == key.key_id
    assert verify_keys() == (key.public, older.public)
    assert not (tmp_path / "keys").exists()


def test_a_dedicated_workspace_opens_and_never_signs(settings: Any) -> None:
    key = SigningKey.generate()
    settings.ROLE = "isp"
    settings.PLATFORM_VERIFY_KEYS = [key.public.to_pem()]
    assert verify_keys() == (key.public,)
    with pytest.raises(ImproperlyConfigured):
        signing_key()


def test_production_without_a_key_says_so(settings: Any) -> None:
    settings.DEVELOPMENT, settings.PLATFORM_SIGNING_KEY = False, ""
    with pytest.raises(ImproperlyConfigured, match="PLATFORM_SIGNING_KEY"):
        signing_key()


def test_ports_show_only_where_they_are_unusual(settings: Any) -> None:
    settings.EDGE_HTTP_PORT, settings.EDGE_HTTPS_PORT = 8000, 8443
    assert platform_url("/signup/") == "http://dotmac.localhost:8000/signup/"
    assert console_url("acme") == "http://acme.dotmac.localhost:8000/"
    assert workspace_url("acme", "/admin/") == "https://acme.apps.localhost:8443/admin/"
    settings.PLATFORM_SCHEME = "https"
    assert console_url("acme") == "https://acme.dotmac.localhost:8443/"
    settings.EDGE_HTTP_PORT, settings.EDGE_HTTPS_PORT = 80, 443
    assert console_url("acme") == "https://acme.dotmac.localhost/"
    settings.PLATFORM_SCHEME = "http"
    assert platform_url() == "http://dotmac.localhost/"


@pytest.mark.parametrize("text", ["", None, "x", "//x", "/\\x", "/a\nb", "http://x/", "/\x00"])
def test_only_a_path_of_this_host_is_local(text: str | None) -> None:
    assert local_path(text, "/home/") == "/home/"
