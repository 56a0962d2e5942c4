"""What builds on this machine need to reach their package sources: nothing of it is in an image."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

# Predefined by Docker, so that they leave no trace in an image's history.
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
_CERTIFICATES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
_INDEX = {
    "index-url": ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"),
    "extra-index-url": ("PIP_EXTRA_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL"),
    "trusted-host": ("PIP_TRUSTED_HOST",),
}
_TARGETS = "$(ORIGIN)|$(LABEL)|$(CODENAME)|$(REPO_URI)"


def proxies(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Build arguments for the proxies of this machine."""
    names = [*_PROXIES, *(name.lower() for name in _PROXIES)]
    return {name: environment[name] for name in names if environment.get(name)}


def files(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Files for images/host/ in the build context, by name."""
    found = {
        "ca.pem": _certificates(environment),
        "pip.conf": _pip_configuration(environment),
        "sources.list": "".join(f"{line}\n" for line in debian_sources()),
    }
    return {name: text for name, text in found.items() if text}


def debian_sources(release: str = "trixie") -> list[str]:
    """This machine's mirrors of Debian for a release; empty where it has none, as on Ubuntu."""
    try:
        listed = subprocess.run(
            ["apt-get", "indextargets", "--format", _TARGETS, "Created-By: Packages"],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return []
    lines: dict[str, None] = {}
    for target in listed.splitlines():
        origin, label, codename, uri = target.split("|")
        suite = codename.partition("-")[2]
        if origin == "Debian" and label.startswith("Debian") and suite in _SUITES:
            lines[f"deb {uri} {release}{'-' if suite else ''}{suite} main"] = None
    return list(lines)


_SUITES = ("", "updates", "security")


def _certificates(environment: Mapping[str, str]) -> str:
    for name in _CERTIFICATES:
        path = Path(environment.get(name) or "/nowhere")
        if path.is_file():
            return path.read_text()
    return ""


def _pip_configuration(environment: Mapping[str, str]) -> str:
    lines = []
    for option, names in _INDEX.items():
        value = next((environment[name] for name in names if environment.get(name)), "")
        if value:
            lines.append(f"{option} = {value}\n")
    return "".join(["[global]\n", *lines]) if lines else ""
