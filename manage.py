#!/usr/bin/env python
"""Django's command line for DotMac."""

import gc
import os
import sys
from pathlib import Path

import django
from django.core.management import execute_from_command_line

from dotmac.server import installed
from dotmac.telemetry import process

# The commands that stay and work.
_ROLES = {"qcluster": "worker", "clock": "clock", "runserver": "web"}

if __name__ == "__main__":
    refused = installed.refusal(Path(__file__).resolve().parent, os.environ, sys.argv[1:])
    if refused:
        sys.exit(refused)
    process.become(_ROLES.get(" ".join(sys.argv[1:2]), process.role()))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
    # What is loaded is no garbage: a fifth of the start would go into looking for some.
    gc.disable()
    django.setup()
    gc.freeze()
    gc.enable()
    execute_from_command_line(sys.argv)
