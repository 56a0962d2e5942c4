"""`install`: a bare Debian becomes a server of DotMac, or a lost one; run again, it repairs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from dotmac.crypto.local_ca import LocalCaError, ensure_certificate, ensure_local_ca
from dotmac.engine.errors import EngineError
from dotmac.engine.firewall import raise_shield
from dotmac.server import checklist, database, images, machine, offsite, rebuild, releases
from dotmac.server.children import call, environment_of, identity, manage
from dotmac.server.deployment import Deployment
from dotmac.server.errors import SetupError
from dotmac.server.laying import lay_out, source_of
from dotmac.server.options import Options
from dotmac.server.releases import Release
from dotmac.server.services import keeper
from dotmac.server.settings import ensure_settings
from dotmac.server.terminal import Terminal
from dotmac.server.upgrade import migrate, only_one

# Everything runs, but nothing is kept anywhere else: its own code, so that a script cannot miss it.
WITHOUT_BACKUP = 3


def install(options: Options, terminal: Terminal) -> int:
    """Make what is missing and say what is left to do; SetupError when it cannot go on."""
    back = rebuild.begin(options, terminal) if options.says("KIT") else None
    options = back.options if back else options
    check(options)
    place = offsite.said(options)
    machine.install_packages(options, terminal)
    with terminal.step("User and folders"):
        machine.ensure_user(options, terminal)
        machine.ensure_folders(options)
    with only_one(options.layout):
        options = back.bring() if back else options
        with terminal.step("Settings and secrets"):
            is_changed = ensure_settings(options, database.settings(options))
        if options.keeps_database:
            with terminal.step("Database"):
                database.ensure(options)
        release = _release(options, terminal)
        _make_certificate(options, release, terminal)
        failed = migrate(options, release, terminal)
        if failed:
            terminal.warn(f"All others are served, but: {failed}")
        if back:
            back.take_over(options, release)
        with terminal.step("Plans and catalogue"):
            manage(options, release, terminal, "platform_prepare")
        shield(options, terminal)
        deployment = Deployment(options, keeper(options), terminal)
        is_new = releases.linked(options.layout.current) is None
        deployment.bring(release, anew=is_changed and not is_new)
        machine.write_command(options)
        images.build_if_possible(options, release, terminal)
        link = _operator_link(options, release, terminal)
        unsafe = offsite.ensure(options, place, release, terminal)
        if back:
            back.end()
    checklist.show(options, terminal, link, unsafe)
    return WITHOUT_BACKUP if unsafe and not options.is_on("ALLOW_NO_BACKUP") else 0


def check(options: Options) -> None:
    """Raise SetupError for the first thing that a person has to change."""
    if options.user and os.geteuid() != 0:
        raise SetupError("A server is installed by root. Run it with sudo.")
    if options.layout.rebuild_mark.exists() and not options.says("KIT"):
        raise SetupError("A rebuild of this machine is not at its end. Run it again, with KIT=…")
    if not options.base_domain:
        raise SetupError("Say where it will be found: make install DOMAIN=isp.example")
    if not options.apps_domain:
        raise SetupError(
            "Name a second domain for workspaces and apps, so that none of them can set cookies "
            "for the platform: make install DOMAIN=isp.example APPS_DOMAIN=isp-apps.example"
        )
    if _is_below(options.apps_domain, options.base_domain):
        raise SetupError(
            f"{options.apps_domain} and {options.base_domain} lie in one domain: an app could set "
            "cookies for the platform. Use two that are registered apart."
        )
    if options.user and not machine.is_open_to(Path(sys.base_prefix)):
        raise SetupError(
            f"The services' user cannot reach Python in {sys.base_prefix}. Run this with the "
            "system's own: PATH=/usr/bin:/bin make install …"
        )


def shield(options: Options, terminal: Terminal) -> None:
    """Keep containers off whatever else listens on this host; needs root, else it is said."""
    if not options.wants_docker:
        return
    try:
        raise_shield([options.port("EDGE_HTTP_PORT"), options.port("EDGE_HTTPS_PORT")])
    except EngineError as error:
        terminal.warn(f"Containers can reach services of this host. {error}")


def _is_below(one: str, other: str) -> bool:
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


def _release(options: Options, terminal: Terminal) -> Release:
    """The one that serves, else that of this checkout: an installation is not an upgrade."""
    current = releases.linked(options.layout.current)
    source = source_of(options)
    if current is None:
        return lay_out(options, source, terminal)
    if current != releases.of_source(options.layout, source):
        terminal.warn(
            f"Release {current.name} stays. `make upgrade` brings the one of this folder."
        )
    return current


def _make_certificate(options: Options, release: Release, terminal: Terminal) -> None:
    """As the services' user, in whose folder it lies."""
    command = [str(release.python), "-m", "dotmac.server", "certificate"]
    how = {"cwd": release.home, "env": environment_of(options, release), **identity(options)}
    call(options, terminal, command, "The certificate could not be made.", **how)


def make_certificate(options: Options) -> None:
    """One of a local authority, until there is another; it encrypts and proves nothing."""
    keys = options.layout.keys
    domains = (options.base_domain, options.apps_domain)
    names = tuple(name for domain in domains for name in (domain, f"*.{domain}"))
    try:
        ensure_certificate(ensure_local_ca(keys), keys, names)
    except LocalCaError as error:
        raise SetupError(str(error)) from error


def _operator_link(options: Options, release: Release, terminal: Terminal) -> str:
    """The link by which the operator's first person comes in; empty once there is one."""
    email = options.says("OPERATOR_EMAIL") or options.says("ACME_EMAIL")
    email = email or f"operator@{options.base_domain}"
    said = manage(options, release, terminal, "operator_link", email, "--first", is_logged=False)
    return next((line for line in said if line.startswith("http")), "")
