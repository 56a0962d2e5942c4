"""LemonLDAP::NG as Debian ships it: an OpenID provider that is not of our making."""

import json
import os
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from dev.ports import free_port
from tests.accounts.people import ACME, FRONT

PORTAL = Path("/usr/share/lemonldap-ng/portal")
PLACKUP = shutil.which("plackup") or "/usr/bin/plackup"
CLIENT = "dotmac"
CALLBACKS = [f"{site}/accounts/oidc/office/login/callback/" for site in (FRONT, ACME)]
SECRET = "of a stand-in"
# Its people of demonstrations, whose passwords are their names.
NORA, MALLORY, UNPROVEN = "dwho", "rtyler", "msmith"
_ADDRESS = {
    NORA: "nora@hilltop.example",
    MALLORY: "root@elsewhere.example",
    UNPROVEN: "nora@hilltop.example",
}
# A cache before it may still tell of keys that it signs with no longer.
_PSGI = """my $app = do '{portal}/htdocs/index.psgi';
sub {{
    my ($env) = @_;
    return $app->($env) unless $env->{{PATH_INFO}} eq '/oauth2/jwks' && -e '{home}/jwks.json';
    open my $kept, '<', '{home}/jwks.json';
    return [200, ['Content-Type' => 'application/json'], $kept];
}};
"""
_INI = """[all]
logLevel = warn
[configuration]
type = File
dirName = {home}/conf
localStorage = Cache::FileCache
localStorageOptions = {{ 'namespace' => 'configuration', 'cache_root' => '{home}/cache' }}
[portal]
staticPrefix = /static
templateDir = {portal}/templates
"""


class LemonLdap:
    """The provider of Hilltop, whose people sign in with a password there."""

    def __init__(self, home: Path) -> None:
        self.home, self.url = home, f"http://127.0.0.1:{free_port()}"
        self.key = new_key()
        # By the words of its own reference, beside those that are needed.
        self.options: dict[str, Any] = {}
        self.issuer = f"{self.url}/"
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if not PORTAL.exists():
            pytest.fail("No LemonLDAP::NG here: .ci/run says which packages it takes.")
        # What it remembers of an earlier configuration would still count.
        shutil.rmtree(self.home / "cache", ignore_errors=True)
        for folder in ("conf", "cache", "sessions/lock", "psessions/lock", "lib/GD"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        for name, text in (("llng.ini", _INI), ("portal.psgi", _PSGI)):
            (self.home / name).write_text(text.format(home=self.home, portal=PORTAL))
        (self.home / "conf/lmConf-1.json").write_text(json.dumps(self._configuration()))
        # It loads the library of its pictures of letters, which Debian only recommends, unasked.
        (self.home / "lib/GD/SecurityImage.pm").write_text("package GD::SecurityImage; 1;\n")
        port = self.url.rpartition(":")[2]
        with (self.home / "plackup.log").open("ab") as log:
            self._running = subprocess.Popen(
                [PLACKUP, "--host", "127.0.0.1", "-p", port, self.home / "portal.psgi"],
                stdout=log,
                stderr=log,
                env={
                    **os.environ,
                    "LLNG_DEFAULTCONFFILE": str(self.home / "llng.ini"),
                    "LLNG_DEFAULTLOGGER": "Lemonldap::NG::Common::Logger::Std",
                    "PERL5LIB": str(self.home / "lib"),
                    "PLACK_ENV": "deployment",
                },
            )
        self._wait()

    def restart(self) -> None:
        """Have it work as this object says."""
        self.stop()
        self.start()

    def stop(self) -> None:
        if self._running is not None:
            self._running.kill()
            self._running.wait(10)
            self._running = None

    def roll_key(self, *, tells: bool) -> None:
        """Sign with another key from now on, of which it tells or not yet."""
        kept = self.home / "jwks.json"
        kept.unlink(missing_ok=True)
        if not tells:
            kept.write_text(httpx.get(self.discovery()["jwks_uri"], trust_env=False).text)
        self.key = new_key()
        self.restart()

    def discovery(self) -> dict[str, Any]:
        address = f"{self.url}/.well-known/openid-configuration"
        found: dict[str, Any] = httpx.get(address, trust_env=False).raise_for_status().json()
        return found

    def _wait(self) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with suppress(httpx.HTTPError):
                self.discovery()
                return
            time.sleep(0.05)
        raise TimeoutError((self.home / "plackup.log").read_text()[-4000:])

    def _store(self, folder: str) -> dict[str, str]:
        return {
            "Directory": f"{self.home}/{folder}",
            "LockDirectory": f"{self.home}/{folder}/lock",
            "generateModule": "Lemonldap::NG::Common::Apache::Session::Generate::SHA256",
        }

    def _configuration(self) -> dict[str, Any]:
        addresses = ", ".join(f"'{who}' => '{mail}'" for who, mail in _ADDRESS.items())
        return {
            "cfgNum": 1,
            "cfgDate": int(time.time()),
            "key": "of a stand-in",
            "locationRules": {"127.0.0.1": {"default": "accept"}},
            "portal": f"{self.url}/",
            "domain": "127.0.0.1",
            "securedCookie": 0,
            "authentication": "Demo",
            "userDB": "Same",
            "passwordDB": "Null",
            "registerDB": "Null",
            "whatToTrace": "_whatToTrace",
            "globalStorage": "Apache::Session::File",
            "globalStorageOptions": self._store("sessions"),
            "persistentStorage": "Apache::Session::File",
            "persistentStorageOptions": self._store("psessions"),
            "localSessionStorage": "Cache::FileCache",
            "localSessionStorageOptions": {"namespace": "s", "cache_root": f"{self.home}/cache"},
            "demoExportedVars": {"cn": "cn", "uid": "uid"},
            "macros": {
                "_whatToTrace": "lc($_user)",
                "address": f"{{{addresses}}}->{{$uid}}",
                "is_proven": f'$uid eq "{UNPROVEN}" ? 0 : 1',
                "full_name": '"Nora Lindqvist"',
            },
            "issuerDBOpenIDConnectActivation": 1,
            "oidcServiceMetaDataIssuer": self.issuer,
            "oidcServicePrivateKeySig": self.key,
            "oidcServiceKeyIdSig": "hilltop",
            "oidcRPMetaDataExportedVars": {
                CLIENT: {
                    "email": "address",
                    "email_verified": "is_proven;bool;auto",
                    "name": "full_name",
                }
            },
            "oidcRPMetaDataOptions": {
                CLIENT: {
                    "oidcRPMetaDataOptionsClientID": CLIENT,
                    "oidcRPMetaDataOptionsClientSecret": SECRET,
                    "oidcRPMetaDataOptionsRedirectUris": " ".join(CALLBACKS),
                    "oidcRPMetaDataOptionsIDTokenSignAlg": "RS256",
                    "oidcRPMetaDataOptionsRequirePKCE": 1,
                    "oidcRPMetaDataOptionsBypassConsent": 1,
                    **self.options,
                }
            },
        }


def new_key() -> str:
    """A private key for signatures, as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()
