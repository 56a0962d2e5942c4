"""SimpleSAMLphp as Debian ships it, run by PHP's own server: a provider that is not of our making.

Its settings are JSON files, read at every request, so that a test changes them while it runs.
"""

import json
import os
import shutil
import subprocess
import textwrap
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from dev.ports import free_port
from dev.saml_provider import Key

CODE = Path("/usr/share/simplesamlphp")
PHP = shutil.which("php") or "/usr/bin/php"
# What the provider's own log-in form asks for.
PASSWORD = "a hut above the tree line"
_READ = "<?php\n${variable} = json_decode(file_get_contents(__DIR__ . '/{name}.json'), true);\n"
_NORA = {"uid": "nora", "mail": "nora@hilltop.example", "displayName": "Nora Lindqvist"}
_FILES = {
    "config": "config",
    "authsources": "config",
    "metadata/saml20-idp-hosted": "metadata",
    "metadata/saml20-sp-remote": "metadata",
}


class SimpleSaml:
    """The provider of Hilltop, whose people sign in with a password there."""

    def __init__(self, home: Path) -> None:
        self.home, self.url = home, f"http://127.0.0.1:{free_port()}"
        self.entity = f"{self.url}/hilltop"
        self.key, self.next_key = Key(), Key()
        # By the words of its own reference: how it answers, and the services that it knows.
        self.hosted: dict[str, Any] = {}
        self.services: dict[str, Any] = {}
        self.people: dict[str, dict[str, str]] = {}
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def metadata_url(self) -> str:
        return f"{self.url}/saml2/idp/metadata.php"

    def metadata(self) -> str:
        return httpx.get(self.metadata_url, trust_env=False).raise_for_status().text

    def start(self) -> None:
        if not (CODE.exists() and Path(PHP).exists()):
            pytest.fail(
                "No SimpleSAMLphp here: install simplesamlphp, php-cli, php-xml, php-mbstring."
            )
        for folder in ("metadata", "cert", "sessions", "tmp"):
            (self.home / folder).mkdir()
        for name, variable in _FILES.items():
            text = _READ.format(variable=variable, name=Path(name).name)
            (self.home / f"{name}.php").write_text(text)
        self.reset()
        with (self.home / "php.log").open("ab") as log:
            self._running = subprocess.Popen(
                [PHP, "-S", self.url.removeprefix("http://"), "-t", CODE / "www"],
                stdout=log,
                stderr=log,
                env={**os.environ, "SIMPLESAMLPHP_CONFIG_DIR": str(self.home)},
            )
        self._wait()

    def stop(self) -> None:
        if self._running is not None:
            self._running.kill()
            self._running.wait(10)

    def reset(self) -> None:
        """As it is when nobody has changed anything yet."""
        self.hosted, self.services = {}, {}
        self.people = {"nora": _NORA}
        self.write()

    def write(self) -> None:
        """Have it work as this object says."""
        hosted = {
            "host": "__DEFAULT__",
            "auth": "people",
            "privatekey": "now.pem",
            "certificate": "now.crt",
            **self.hosted,
        }
        said: dict[str, Any] = {
            "config": self._config(),
            "authsources": {"people": {"0": "exampleauth:UserPass", **self._people()}},
            "metadata/saml20-idp-hosted": {self.entity: hosted},
            "metadata/saml20-sp-remote": self.services,
        }
        for name, values in said.items():
            (self.home / f"{name}.json").write_text(json.dumps(values))
        for name, key in (("now", self.key), ("next", self.next_key)):
            (self.home / f"cert/{name}.pem").write_bytes(key.pem)
            (self.home / f"cert/{name}.crt").write_text(_pem(key.certificate))

    def answer_with(self, **hosted: Any) -> None:
        """Change how it answers."""
        self.hosted.update(hosted)
        self.write()

    def announce_next_key(self) -> None:
        """Name a second certificate in the metadata, before it is used."""
        self.answer_with(new_privatekey="next.pem", new_certificate="next.crt")

    def take_next_key(self) -> None:
        """Sign with it, and forget the one before."""
        self.key, self.next_key = self.next_key, Key()
        self.hosted = {n: v for n, v in self.hosted.items() if not n.startswith("new_")}
        self.write()

    def know(self, metadata: str) -> None:
        """Take a service's metadata as an administrator does, by the provider's own reader."""
        script = (
            f"require '{CODE}/lib/_autoload.php';"
            "$one = SimpleSAML\\Metadata\\SAMLParser::parseString(stream_get_contents(STDIN));"
            "echo json_encode($one->getMetadata20SP());"
        )
        done = subprocess.run(
            [PHP, "-r", script],
            input=metadata.encode(),
            env={**os.environ, "SIMPLESAMLPHP_CONFIG_DIR": str(self.home)},
            capture_output=True,
            check=True,
        )
        service = json.loads(done.stdout)
        self.services[service["entityid"]] = service
        self.write()

    def _people(self) -> dict[str, Any]:
        return {
            f"{name}:{PASSWORD}": {key: [value] for key, value in said.items()}
            for name, said in self.people.items()
        }

    def _config(self) -> dict[str, Any]:
        return {
            "baseurlpath": f"{self.url}/",
            "certdir": f"{self.home}/cert/",
            "tempdir": f"{self.home}/tmp",
            "metadatadir": f"{self.home}/metadata",
            "attributenamemapdir": f"{CODE}/config/attributemap/",
            "metadata.sources": [{"type": "flatfile"}],
            "secretsalt": "of a stand-in",
            "auth.adminpassword": "of a stand-in",
            "timezone": "UTC",
            "logging.handler": "stderr",
            "enable.saml20-idp": True,
            "module.enable": {"exampleauth": True, "core": True, "saml": True},
            "session.cookie.secure": False,
            "session.phpsession.savepath": f"{self.home}/sessions",
            "store.type": "phpsession",
        }

    def _wait(self) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with suppress(httpx.HTTPError):
                self.metadata()
                return
            time.sleep(0.05)
        raise TimeoutError((self.home / "php.log").read_text()[-2000:])


def _pem(certificate: str) -> str:
    lines = "\n".join(textwrap.wrap(certificate, 64))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"
