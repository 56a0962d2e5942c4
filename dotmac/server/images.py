"""The container images of a release, of which dedicated workspaces are made."""

from __future__ import annotations

from dotmac.server.children import manage
from dotmac.server.errors import SetupError
from dotmac.server.options import Options
from dotmac.server.releases import Release
from dotmac.server.terminal import Terminal


def build(options: Options, release: Release, terminal: Terminal) -> None:
    """Make those that are missing or of an older release, where this machine has Docker."""
    if options.wants_docker:
        with terminal.step("Container images"):
            # Where no registry answers, the base is made of packages, which takes root.
            manage(options, release, terminal, "build_images", as_root=True)


def build_if_possible(options: Options, release: Release, terminal: Terminal) -> None:
    """The same, where the platform is to serve without them too."""
    try:
        build(options, release, terminal)
    except SetupError as error:
        terminal.warn(f"Dedicated workspaces cannot be deployed yet. {error}")
